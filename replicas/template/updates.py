"""What an update of a stack does to each resource: nothing, in place, new copies, replacement, perhaps replacement.

`Update` compares evaluated properties: those of two templates (`differences`), or of a template and a stack (the change
sets of the embedded AWS). Whether a property replaces its resource is read from the CloudFormation schemas.
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
"""Properties whose change starts new copies of a resource that stays (`UpdateInferenceComponent`)."""

ABSENT = object()
"""Stands for a property that a resource does not have."""


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
    """A value of a resource that the update makes or changes: it is known only then."""

    certain: bool = True
    """Whether it surely differs from the former value: the resource is new or replaced."""


@dataclass(frozen=True)
class PropertyChange:
    """A top-level property that changes."""

    name: str
    recreation: Recreation
    before: Value = None
    """The former value; None where the property was absent."""
    after: Value = None
    pending: tuple[Pending, ...] = ()
    """The values of other resources through which it changes."""
    stated: bool = False
    """Whether the template itself states another expression."""

    @property
    def certain(self) -> bool:
        """Whether it surely changes: not only through a value that may stay the same."""
        return self.stated or not self.pending or any(each.certain for each in self.pending)


@dataclass(frozen=True)
class ResourceChange:
    """A resource of the old or the new template, and what happens to it."""

    logical_id: str
    type: str
    outcome: Outcome
    properties: tuple[PropertyChange, ...] = ()
    policies: tuple[str, ...] = ()
    """Changed attributes beside the properties: `Metadata`, `DeletionPolicy`, `UpdateReplacePolicy`."""

    def changed(self, *names: str) -> list[PropertyChange]:
        """The properties among the named ones that surely change."""
        return [each for each in self.properties if each.name in names and each.certain]

    @property
    def certain_outcome(self) -> Outcome:
        """The outcome without the changes that may not come.

        A change set calls a property that takes an attribute of a resource updated in place "Dynamic", for example the
        ARN of a role with another policy. The service gives such an attribute no other value.
        """
        kept = self.outcome in (Outcome.CREATED, Outcome.DELETED)
        return self.outcome if kept else outcome_of(self.type, [each for each in self.properties if each.certain])


class Update:
    """Resources of a new template beside the present ones, compared one after the other in order of dependency.

    `before` holds type and properties of the present resources; `settled` gives the `Ref` or an attribute of one of
    them. `lookup` is for the evaluation of the new properties: it tells what an earlier change leaves unknown.
    """

    def __init__(
        self, before: Mapping[str, tuple[str, Mapping[str, Value]]], settled: Callable[[str, str | None], Value]
    ) -> None:
        self._before = before
        self._settled = settled
        self._outcomes: dict[str, Outcome] = {}

    def lookup(self, logical_id: str, attribute: str | None) -> Value:
        """The `Ref` or an attribute of a resource: settled, or pending where the update makes or changes it."""
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
        """Compare one resource. `stated` names the properties whose expressions differ."""
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
    """The top-level properties that differ; those with unknown values differ if their expressions do."""
    for name in differing(before, after):
        pending = [each for each in _references(after.get(name)) if isinstance(each, Pending)]
        answer = recreation(resource_type, name, before, after)
        values = (before.get(name), after.get(name))
        yield PropertyChange(name, answer, *values, tuple(dict.fromkeys(pending)), name in stated)
    for name in stated:
        values = (before.get(name), after.get(name))
        known = not any(isinstance(each, Unknown) for each in open_values(list(values)))
        if not known and same(*values):
            yield PropertyChange(name, _of_whole(resource_type, name), *values, stated=True)


def differing(before: Mapping[str, Value], after: Mapping[str, Value]) -> list[str]:
    """The top-level properties that differ: first those of `after`, in their order."""
    names = dict.fromkeys([*after, *before])
    return [name for name in names if not same(before.get(name, ABSENT), after.get(name, ABSENT))]


def outcome_of(resource_type: str, changes: Collection[PropertyChange]) -> Outcome:
    """What the changes of properties do to a resource of a type."""
    answers = {(change.recreation, change.certain) for change in changes}
    if (Recreation.ALWAYS, True) in answers:
        return Outcome.REPLACED
    if (Recreation.ALWAYS, False) in answers or any(answer is Recreation.CONDITIONALLY for answer, _ in answers):
        return Outcome.MAY_BE_REPLACED
    if any(change.name in ROLLING.get(resource_type, ()) for change in changes):
        return Outcome.ROLLED
    return Outcome.UPDATED if changes else Outcome.UNCHANGED


def _references(value: Value) -> Iterator[Reference]:
    for each in open_values(value):
        yield from each.references if isinstance(each, Unknown) else [each]


def _of_whole(resource_type: str, name: str) -> Recreation:
    """Whether a property that changes in an unknown part replaces a resource."""
    return recreation(resource_type, name, {name: ABSENT}, {name: Unknown("it changes in a part that is not known")})


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal. Unlike with Python's `==`, `1` and `true` are not."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
