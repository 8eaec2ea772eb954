"""All faults for which CloudFormation refuses a template before any resource changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Refusal
from replicas.endpoint.values import Reference, Value, open_values
from replicas.template.assertions import false_assertions
from replicas.template.evaluation import LANGUAGE_EXTENSIONS, Resolver, section, transforms_of
from replicas.template.faults import Evidence, Fault
from replicas.template.loops import LOOP
from replicas.template.parameters import given_faults
from replicas.template.patterns import Matches
from replicas.template.structure import OUTPUT_FAULT, quota_faults, template_faults, unresolved

TEMPLATE = "Template"
"""Name of the subject of a fault that belongs to no single resource."""
_RESOURCE = re.compile(r"\[?/Resources/(?P<logical_id>[^/\]]+)")


def refusals_of(
    template: Mapping[str, Any], resolver: Resolver, given: Mapping[str, Any], matches: Matches
) -> Iterator[Refusal]:
    """Yield the faults of the structure, the parameters and the expressions of a template.

    `given` contains values of parameters that replace their defaults. `matches` says which values match AllowedPattern.
    Yields nothing for a template that macros, modules or loops complete at deployment, because the text that
    CloudFormation reads is not known.
    """
    if _is_completed_later(template):
        return
    yield from _refusals(_faults(template, resolver, given, matches))


def has_too_many(template: Mapping[str, Any]) -> bool:
    """True if the template has more resources, parameters, outputs or mappings than CloudFormation accepts."""
    return next(quota_faults(template), None) is not None


def quota_refusals(template: Mapping[str, Any]) -> tuple[Refusal, ...]:
    """Return the faults of a template that has more members than CloudFormation accepts; empty if a macro may change
    their number.
    """
    return () if _is_completed_later(template) else tuple(_refusals(quota_faults(template)))


def _faults(template: Mapping[str, Any], resolver: Resolver, given: Mapping[str, Any], matches: Matches) -> list[Fault]:
    structure = template_faults(template)
    parameters = [*given_faults(template, given), *matches.faults]
    return [*structure, *parameters] if structure else [*parameters, *_evaluation_faults(template, resolver)]


def _refusals(faults: Iterable[Fault]) -> Iterator[Refusal]:
    for fault in dict.fromkeys(faults):
        match = _RESOURCE.search(fault.message)
        subject = Subject(kind="resource", name=match["logical_id"] if match else TEMPLATE)
        is_certain = fault.evidence is not Evidence.ASSUMED
        yield Refusal(subject=subject, message=fault.message, is_certain=is_certain, source=fault.source)


def _evaluation_faults(template: Mapping[str, Any], resolver: Resolver) -> Iterator[Fault]:
    """Evaluate all conditions, outputs and rules of a template, and the resources whose condition is true. The
    structure of the template must have no faults.
    """
    conditions = {name: resolver.condition(name) for name in section(template, "Conditions")}
    absent = {
        logical_id
        for logical_id, definition in section(template, "Resources").items()
        if conditions.get(str(definition.get("Condition"))) is False
    }
    for name in ("Resources", "Outputs"):
        for definition in section(template, name).values():
            exists = conditions.get(str(definition["Condition"])) if "Condition" in definition else True
            if exists is False:
                continue
            value = resolver.resolve(definition.get("Properties" if name == "Resources" else "Value"))
            if name == "Outputs" and isinstance(value, list | Mapping):
                yield OUTPUT_FAULT
            needed = [each for each in dict.fromkeys(_references(value)) if each in absent]
            if needed and exists is True:
                yield unresolved(needed, name)
    yield from resolver.faults
    for name, description in false_assertions(resolver, template):
        yield Fault(f"Template error: Rule {name} failed: {description}", Evidence.DOCUMENTED)


def _references(value: Value) -> Iterator[str]:
    """Yield the logical ids on which a value depends."""
    for item in open_values(value):
        for reference in [item] if isinstance(item, Reference) else item.references:
            yield reference.logical_id


def _is_completed_later(template: Mapping[str, Any]) -> bool:
    """True if a transform, a macro, a module or a loop over unknown items adds to the template at the deployment."""
    transforms = transforms_of(template)
    if any(name != LANGUAGE_EXTENSIONS for name in transforms):
        return True
    generated = ("Fn::Transform", LOOP) if LANGUAGE_EXTENSIONS in transforms else ("Fn::Transform",)
    pending: list[Any] = [template]
    visited = set[int]()
    while pending:
        value = pending.pop()
        if id(value) in visited:
            continue
        visited.add(id(value))
        if isinstance(value, Mapping):
            kind = value.get("Type")
            if isinstance(kind, str) and kind.endswith("::MODULE"):
                return True
            for key, inner in value.items():
                if isinstance(key, str) and key.startswith(generated):
                    return True
                if not isinstance(inner, str):
                    pending.append(inner)
        elif isinstance(value, list):
            pending += [inner for inner in value if not isinstance(inner, str)]
    return False
