"""Writes the properties of imported resources. Uses an expression of the app if it has the live value. Makes no AWS
call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from replicas.endpoint.values import Reference, Unknown, Value
from replicas.status.drift import same

_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """A property in which the app's template differs from the live resource."""

    logical_id: str
    path: str
    live: Any
    """Value of the live resource; None if the live resource does not have the property."""
    entry: Any
    """Value in the app's template; None if the template does not have the property."""


@dataclass(frozen=True)
class Pair:
    """A resource of the app's template and the corresponding live resource."""

    logical_id: str
    name: str
    arn: str
    properties: Mapping[str, Any]
    tags: Mapping[str, str]


class Writer:
    """Writes the properties of imported resources, and records the differences from the app's template."""

    def __init__(self, names: Mapping[str, str]) -> None:
        """Create a writer. `names` has the live names by logical id."""
        self._names = names
        self.differences: list[Difference] = []

    def properties(
        self, pair: Pair, given: Mapping[str, Any], evaluated: Mapping[str, Value], skipped: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return the properties of a live resource, with the app's own expressions if they have the same values."""
        before = len(self.differences)
        copied = {key: given[key] for key in skipped if key in given}
        # The update policy is not a property of the running component.
        compared = {key: value for key, value in given.items() if key not in (*copied, "Tags", "DeploymentConfig")}
        evaluated = {key: value for key, value in evaluated.items() if key in compared}
        # If the import sets a name that the app's template does not set, the next deployment replaces the resource.
        live = {key: value for key, value in pair.properties.items() if key not in skipped}
        if "InferenceComponentName" not in given:
            live.pop("InferenceComponentName", None)
        written: dict[str, Any] = self._merged(compared, evaluated, live, "")
        self.differences[before:] = [
            Difference(pair.logical_id, difference.path, difference.live, difference.entry)
            for difference in self.differences[before:]
        ]
        tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags", [])}
        if tags == dict(pair.tags):
            copied["Tags"] = given.get("Tags")
        else:
            copied["Tags"] = [{"Key": key, "Value": value} for key, value in pair.tags.items()]
            self.differences.append(Difference(pair.logical_id, "Tags", dict(pair.tags) or None, tags or None))
        written |= {key: value for key, value in copied.items() if value}
        order = dict.fromkeys([*given, *written])
        return {key: written[key] for key in order if key in written}

    def _merged(self, given: Any, evaluated: Value, live: Any, path: str) -> Any:
        if isinstance(evaluated, Mapping) and isinstance(live, Mapping) and isinstance(given, Mapping):
            if given.keys() != evaluated.keys():
                return self._leaf(given, evaluated, live, path)
            merged = {}
            for key in dict.fromkeys([*given, *live]):
                place = f"{path}.{key}" if path else str(key)
                value = self._member(given.get(key, _ABSENT), evaluated, live.get(key, _ABSENT), key, place)
                if value is not _ABSENT:
                    merged[key] = value
            return merged
        lists = isinstance(given, list) and isinstance(evaluated, list) and isinstance(live, list)
        if lists and len(given) == len(evaluated) == len(live):
            items = zip(given, evaluated, live, strict=True)
            return [self._merged(*item, f"{path}[{index}]") for index, item in enumerate(items)]
        return self._leaf(given, evaluated, live, path)

    def _member(self, given: Any, evaluated: Mapping[str, Value], live: Any, key: str, place: str) -> Any:
        if given is _ABSENT:
            self.differences.append(Difference("", place, live, None))
            return live
        if live is _ABSENT:
            if isinstance(evaluated[key], Unknown):  # a secret is not read from the live resource
                return given
            self.differences.append(Difference("", place, None, _plain(self._named(evaluated[key]))))
            return _ABSENT
        return self._merged(given, evaluated[key], live, place)

    def _leaf(self, given: Any, evaluated: Value, live: Any, path: str) -> Any:
        value = self._named(evaluated)
        if isinstance(value, Unknown) or same(value, live) or _equal(value, live):
            return given
        self.differences.append(Difference("", path, live, _plain(value)))
        return live

    def _named(self, value: Value) -> Value:
        """Replace references to imported resources in a value by the live names."""
        if isinstance(value, Reference):
            return self._names.get(value.logical_id, f"a new {value.logical_id}")
        return value


def _equal(value: Value, live: Any) -> bool:
    """Return whether nested values are equal; numbers and names are compared as CloudFormation does."""
    if isinstance(value, Mapping) and isinstance(live, Mapping):
        return value.keys() == live.keys() and all(_equal(item, live[key]) for key, item in value.items())
    if isinstance(value, list) and isinstance(live, list):
        return len(value) == len(live) and all(_equal(*pair) for pair in zip(value, live, strict=True))
    return same(value, live)


def _plain(value: Value) -> Any:
    """Return a value as plain JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.text if isinstance(value, Unknown) else value
