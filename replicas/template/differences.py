"""Effect of a stack update on each resource, derived from the old and the new template alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replicas.endpoint.values import Reference, Value
from replicas.template.evaluation import Resolver, section
from replicas.template.faults import Fault
from replicas.template.references import needs_of
from replicas.template.updates import ABSENT, Outcome, ResourceChange, Update, same

_OTHER_ATTRIBUTES = ("Metadata", "DeletionPolicy", "UpdateReplacePolicy")


def differences(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    region: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, ResourceChange]:
    """Return the effect of an update on each resource: first resources of the new template, then deleted resources.

    Parameters have the given values or their defaults. A resource whose condition is unknown counts as present. A
    resource that changes its type counts as deleted and created, though CloudFormation refuses such an update.
    """
    resolver = Resolver(old, region=region, parameters=parameters or {})
    former = resolver.present()
    before = {
        logical_id: (str(definition.get("Type")), _mapping(resolver.resolve(definition.get("Properties"))))
        for logical_id, definition in former.items()
    }
    update = Update(before, Reference)
    planned = _Planned(new, region=region, parameters=parameters or {}, update=update)
    present = planned.present()
    needs = needs_of(present)
    changes: dict[str, ResourceChange] = {}
    for logical_id in present if isinstance(needs, Fault) else needs:
        definition, old_definition = present[logical_id], former.get(logical_id, {})
        resource_type = str(definition.get("Type"))
        properties = _mapping(planned.resolve(definition.get("Properties")))
        if logical_id in before and before[logical_id][0] != resource_type:
            del before[logical_id]
        changes[logical_id] = update.add(
            logical_id,
            resource_type,
            properties,
            stated=_stated(old, new, old_definition, definition),
            policies=[key for key in _OTHER_ATTRIBUTES if not same(old_definition.get(key), definition.get(key))],
        )
    for logical_id, definition in former.items():
        if logical_id not in changes:
            changes[logical_id] = ResourceChange(logical_id, str(definition.get("Type")), Outcome.DELETED)
    return changes


class _Planned(Resolver):
    """Evaluates the new template. A value of a resource that the update creates or changes is pending."""

    def __init__(
        self, template: Mapping[str, Any], *, region: str | None, parameters: Mapping[str, Any], update: Update
    ) -> None:
        super().__init__(template, region=region, parameters=parameters)
        self._update = update

    def resource(self, logical_id: str, attribute: str | None) -> Value:
        """Return the value of a `Ref` or an attribute; pending if the update creates or changes the resource."""
        value = super().resource(logical_id, attribute)
        return self._update.lookup(logical_id, attribute) if isinstance(value, Reference) else value


def _stated(
    old: Mapping[str, Any], new: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[str]:
    """Return the properties whose expressions differ.

    A property with Fn::If also counts if the sections `Conditions` differ, and a property with Fn::FindInMap if the
    sections `Mappings` differ.
    """
    former, present = section(before, "Properties"), section(after, "Properties")
    uses = {
        function: not same(section(old, name), section(new, name))
        for function, name in (("Fn::If", "Conditions"), ("Fn::FindInMap", "Mappings"))
    }
    return [
        str(name)
        for name in dict.fromkeys([*present, *former])
        if not same(former.get(name, ABSENT), present.get(name, ABSENT))
        or any(differs and _uses(present.get(name), function) for function, differs in uses.items())
    ]


def _uses(value: Any, function: str) -> bool:
    if isinstance(value, Mapping):
        return function in value or any(_uses(inner, function) for inner in value.values())
    return isinstance(value, list) and any(_uses(inner, function) for inner in value)


def _mapping(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, Mapping) else {}
