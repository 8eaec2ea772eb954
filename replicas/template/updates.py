"""Effect of a stack update on each resource: none, in place, new copies, replacement, or possible replacement.

`Update` compares evaluated properties: of two templates (`differences`), or of a template and a stack (the change
sets of the embedded AWS). The CloudFormation schemas decide whether a changed property replaces its resource.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replicas.endpoint.values import Reference, Unknown, Value, open_values
from replicas.names import ResourceType
from replicas.template.schemas import Recreation, recreation, rules_of

ROLLING = {ResourceType.COMPONENT: ("Specification", "Specifications")}
"""Properties whose change starts new copies but keeps the resource (`UpdateInferenceComponent`)."""

ABSENT = object()
"""Marks a property that a resource does not have."""


class Outcome(StrEnum):
    """What an update does to a resource."""

    CREATED = "created"
    DELETED = "deleted"
    REPLACED = "replaced"
    MAY_BE_REPLACED = "may be replaced"
    ROLLED = "updated in place, with new copies"
    UPDATED = "updated in place"
    UNCHANGED = "unchanged"


@dataclass(frozen=True)
class Pending(Reference):
    """A value that is unknown until the update has created or changed its resource."""

    certain: bool = True
    """True if the value certainly changes, because the resource is new or replaced."""


@dataclass(frozen=True)
class PropertyChange:
    """A top-level property that changes."""

    name: str
    recreation: Recreation
    before: Value = None
    """The old value; None if the property was absent."""
    after: Value = None
    pending: tuple[Pending, ...] = ()
    """Pending values of other resources that cause the change."""
    stated: bool = False
    """True if the expression in the template changes."""

    @property
    def certain(self) -> bool:
        """True if the property certainly changes. False if the change depends on values that may stay the same."""
        return self.stated or not self.pending or any(value.certain for value in self.pending)


@dataclass(frozen=True)
class ResourceChange:
    """A resource of the old or the new template, and what happens to it."""

    logical_id: str
    type: str
    outcome: Outcome
    properties: tuple[PropertyChange, ...] = ()
    policies: tuple[str, ...] = ()
    """Changed attributes other than properties: `Metadata`, `DeletionPolicy`, `UpdateReplacePolicy`."""

    def changed(self, *names: str) -> list[PropertyChange]:
        """Return the named properties that certainly change."""
        return [change for change in self.properties if change.name in names and change.certain]

    @property
    def certain_outcome(self) -> Outcome:
        """The outcome if only the certain changes count.

        A change set reports a property as "Dynamic" if it uses an attribute of a resource that is updated in place, for
        example the ARN of a role with another policy. The service does not change such an attribute.
        """
        kept = self.outcome in (Outcome.CREATED, Outcome.DELETED)
        return self.outcome if kept else outcome_of(self.type, [change for change in self.properties if change.certain])


class Update:
    """Compares the resources of a new template with the existing resources, one by one. A resource must be added after
    the resources on which it depends.

    `before` has type and properties of the existing resources; `settled` returns the `Ref` or an attribute of one of
    them. The new properties are evaluated with `lookup`, which returns `Pending` for a value that becomes known only
    during the update.
    """

    def __init__(
        self, before: Mapping[str, tuple[str, Mapping[str, Value]]], settled: Callable[[str, str | None], Value]
    ) -> None:
        self._before = before
        self._settled = settled
        self._outcomes: dict[str, Outcome] = {}

    def lookup(self, logical_id: str, attribute: str | None) -> Value:
        """Return the `Ref` or an attribute of a resource; `Pending` if the update creates or changes the value."""
        outcome = self._outcomes.get(logical_id)
        if outcome in (Outcome.CREATED, Outcome.REPLACED):
            return Pending(logical_id, attribute)
        if outcome is Outcome.MAY_BE_REPLACED:
            return Pending(logical_id, attribute, certain=False)
        if outcome in (Outcome.UPDATED, Outcome.ROLLED) and attribute:
            rules = rules_of(self._before[logical_id][0])
            if rules is None or not rules.lasts(attribute):
                return Pending(logical_id, attribute, certain=False)
        return self._settled(logical_id, attribute)

    def add(
        self,
        logical_id: str,
        resource_type: str,
        properties: Mapping[str, Value],
        *,
        stated: Collection[str] = (),
        policies: Collection[str] = (),
    ) -> ResourceChange:
        """Compare one resource and record its outcome. `stated` names the properties whose expressions differ."""
        if logical_id not in self._before:
            change = ResourceChange(logical_id, resource_type, Outcome.CREATED)
        else:
            changes = tuple(property_changes(resource_type, self._before[logical_id][1], properties, stated))
            outcome = outcome_of(resource_type, changes)
            change = ResourceChange(logical_id, resource_type, outcome, changes, tuple(policies))
        self._outcomes[logical_id] = change.outcome
        return change


def property_changes(
    resource_type: str, before: Mapping[str, Value], after: Mapping[str, Value], stated: Collection[str] = ()
) -> Iterator[PropertyChange]:
    """Yield the top-level properties that differ. Unknown values count as different if their expressions differ."""
    for name in differing(before, after):
        pending = [value for value in _references(after.get(name)) if isinstance(value, Pending)]
        answer = recreation(resource_type, name, before, after)
        values = (before.get(name), after.get(name))
        yield PropertyChange(name, answer, *values, tuple(dict.fromkeys(pending)), name in stated)
    for name in stated:
        values = (before.get(name), after.get(name))
        known = not any(isinstance(value, Unknown) for value in open_values(list(values)))
        if not known and same(*values):
            yield PropertyChange(name, _of_whole(resource_type, name), *values, stated=True)


def differing(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[str]:
    """Return the names of the top-level properties that differ, first the names in `after`, in their order."""
    names = dict.fromkeys([*after, *before])
    return [name for name in names if not same(before.get(name, ABSENT), after.get(name, ABSENT))]


def outcome_of(resource_type: str, changes: Collection[PropertyChange]) -> Outcome:
    """Return the outcome of property changes for a resource of a type."""
    answers = {(change.recreation, change.certain) for change in changes}
    if (Recreation.ALWAYS, True) in answers:
        return Outcome.REPLACED
    if (Recreation.ALWAYS, False) in answers or any(answer is Recreation.CONDITIONALLY for answer, _ in answers):
        return Outcome.MAY_BE_REPLACED
    if any(change.name in ROLLING.get(resource_type, ()) for change in changes):
        return Outcome.ROLLED
    return Outcome.UPDATED if changes else Outcome.UNCHANGED


def _references(value: Value) -> Iterator[Reference]:
    for leaf in open_values(value):
        yield from leaf.references if isinstance(leaf, Unknown) else [leaf]


def _of_whole(resource_type: str, name: str) -> Recreation:
    """Return whether a property replaces its resource if it is not known which part of the property changes."""
    return recreation(resource_type, name, {name: ABSENT}, {name: Unknown("it is not known which part of it changes")})


def same(left: Any, right: Any) -> bool:
    """Return whether two values are equal. Unlike Python's `==`, the function distinguishes `1` from `true`."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
