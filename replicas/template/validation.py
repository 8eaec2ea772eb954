"""Validation of a resource's properties against its CloudFormation schema, in CloudFormation's words.

It covers the keywords of JSON Schema that the schemas of CloudFormation use. Values that are not known are valid. A
null property counts as absent, because `structure` already reports null values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from replicas.endpoint.values import Reference, Unknown, Value, number_of, text_of
from replicas.template.schemas import Schema

_LONGEST_MATCHED = 10_000
"""Maximum length of a text that is matched with a pattern, characters; longer texts exceed a length limit anyway."""
_UNICODE = {r"\p{L}": r"\w", r"\p{N}": r"\d", r"\p{Z}": r"\s", r"\p{Print}": r"[^\x00-\x1f\x7f]"}
"""Unicode classes of the patterns, as Python's `re` writes them (`\\w` matches letters and numbers of every script)."""
_TYPES = {
    "object": ("JSONObject", Mapping),
    "array": ("JSONArray", list),
    "string": ("String", str),
    "integer": ("Integer", int),
    "number": ("Number", int | float),
    "boolean": ("Boolean", bool),
}


@dataclass(frozen=True)
class Problem:
    """A property that CloudFormation refuses."""

    path: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"#{''.join(f'/{segment}' for segment in self.path)}: {self.message}"


def problems(properties: Value, schema: Schema, example: Callable[[Value], str | None] | None = None) -> list[Problem]:
    """Return the faults for which CloudFormation refuses properties.

    `example` returns an example of a reference's value at deployment; without it, references are valid.
    """
    check = _Check(schema, example)
    given = properties if isinstance(properties, Mapping) else {}
    extraneous = [
        Problem((), f"extraneous key [{name}] is not permitted") for name in sorted(_read_only(schema)) if name in given
    ]
    return list(dict.fromkeys([*extraneous, *check.of(properties, schema, ())]))


def coerced(properties: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Return properties with scalars converted to the schema's types, such as "8" to 8 and true to "true"."""
    fitted = _converted(dict(properties), schema, schema)
    return fitted if isinstance(fitted, dict) else dict(properties)


class _Check:
    """Checks values against the parts of one schema."""

    def __init__(self, root: Schema, example: Callable[[Value], str | None] | None) -> None:
        self._root = root
        self._example = example

    def of(self, value: Value, schema: Any, path: tuple[str, ...]) -> Iterator[Problem]:
        """Yield the problems of a value."""
        if not isinstance(schema, Mapping):
            return
        if "$ref" in schema:
            yield from self.of(value, _target(self._root, schema["$ref"]), path)
            return
        if isinstance(value, Reference | Unknown):
            text = self._example(value) if self._example and "pattern" in schema else None
            if text is not None and not matches(schema["pattern"], text):
                yield Problem(path, _constraint("pattern"))
            return
        if not _has_type(value, schema.get("type")):
            kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
            names = " or ".join(_TYPES[kind][0] if kind in _TYPES else str(kind) for kind in kinds)
            yield Problem(path, f"expected type: {names}, found: {_type_of(value)}")
            return
        yield from self._choices(value, schema, path)
        if isinstance(value, Mapping):
            yield from self._object(value, schema, path)
        elif isinstance(value, list):
            yield from self._list(value, schema, path)
        else:
            yield from _scalar_problems(value, schema, path)

    def _choices(self, value: Value, schema: Schema, path: tuple[str, ...]) -> Iterator[Problem]:
        for keyword in ("enum", "const"):
            allowed = schema.get("enum", ()) if keyword == "enum" else [schema.get("const")]
            if keyword in schema and value not in allowed:
                yield Problem(path, _constraint(keyword))
        for part in schema.get("allOf", ()):
            yield from self.of(value, part, path)
        for keyword in ("oneOf", "anyOf"):
            branches = [list(self.of(value, part, path)) for part in schema.get(keyword, ())]
            fitting = sum(not branch for branch in branches)
            if branches and (fitting == 0 or (keyword == "oneOf" and fitting > 1)):
                yield Problem(path, f"#: {fitting} subschemas matched instead of one")
                yield from (problem for branch in branches for problem in branch)

    def _object(self, value: Mapping[str, Any], schema: Schema, path: tuple[str, ...]) -> Iterator[Problem]:
        known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        other = schema.get("additionalProperties")
        value = {name: inner for name, inner in value.items() if inner is not None}
        for name in schema.get("required", ()):
            if name not in value:
                yield Problem(path, f"required key [{name}] not found")
        if len(value) > schema.get("maxProperties", len(value)):
            yield Problem(path, _constraint("maxProperties"))
        for name, inner in value.items():
            fitting = [known[name]] if name in known else []
            fitting += [part for pattern, part in patterns.items() if matches(pattern, str(name))]
            if not fitting and other is False:
                yield Problem(path, f"extraneous key [{name}] is not permitted")
            for part in fitting or [other]:
                yield from self.of(inner, part, (*path, str(name)))

    def _list(self, value: list[Any], schema: Schema, path: tuple[str, ...]) -> Iterator[Problem]:
        count = len(value)
        if count < schema.get("minItems", 0):
            yield Problem(path, f"expected minimum item count: {schema['minItems']}, found: {count}")
        if count > schema.get("maxItems", count):
            yield Problem(path, f"expected maximum item count: {schema['maxItems']}, found: {count}")
        known = [repr(item) for item in value if _is_known(item)]
        if schema.get("uniqueItems") and len(set(known)) < len(known):
            yield Problem(path, _constraint("uniqueItems"))
        for index, item in enumerate(value):
            yield from self.of(item, schema.get("items"), (*path, str(index)))


def _scalar_problems(value: Value, schema: Schema, path: tuple[str, ...]) -> Iterator[Problem]:
    if isinstance(value, str):
        for keyword, is_broken in (
            ("minLength", len(value) < schema.get("minLength", 0)),
            ("maxLength", len(value) > schema.get("maxLength", len(value))),
        ):
            if is_broken:
                yield Problem(path, f"expected {keyword}: {schema[keyword]}, actual: {len(value)}")
        if "pattern" in schema and not matches(schema["pattern"], value):
            yield Problem(path, _constraint("pattern"))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if value < schema.get("minimum", value):
            yield Problem(path, f"{text_of(value)} is not greater or equal to {schema['minimum']}")
        if value > schema.get("maximum", value):
            yield Problem(path, f"{text_of(value)} is not less or equal to {schema['maximum']}")


def _constraint(keyword: str) -> str:
    return f"failed validation constraint for keyword [{keyword}]"


def _has_type(value: Value, kinds: Any) -> bool:
    if kinds is None:
        return True
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        _, types = _TYPES.get(kind, ("", object))
        if isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool)):
            return True
        if kind == "integer" and isinstance(value, float) and value.is_integer():
            return True
    return False


def _type_of(value: Value) -> str:
    if isinstance(value, bool):
        return "Boolean"
    names = {dict: "JSONObject", list: "JSONArray", str: "String", int: "Integer", float: "Double"}
    return names.get(type(value), "null")


def _is_known(value: Value) -> bool:
    if isinstance(value, Mapping):
        return all(map(_is_known, value.values()))
    return all(map(_is_known, value)) if isinstance(value, list) else not isinstance(value, Reference | Unknown)


def _read_only(schema: Schema) -> list[str]:
    paths = [str(path).removeprefix("/properties/") for path in schema.get("readOnlyProperties", ())]
    return [path for path in paths if "/" not in path]


def _target(root: Schema, reference: str) -> Any:
    target: Any = root
    for segment in reference.removeprefix("#/").split("/"):
        target = target.get(segment) if isinstance(target, Mapping) else None
    return target


@cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    for name, python in _UNICODE.items():
        pattern = pattern.replace(name, python)
    try:
        return re.compile(pattern)
    except re.error:  # a pattern in another regex syntax
        return None


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches the pattern of a schema.

    The result is True if the pattern has another syntax, or if the text is too long.
    """
    compiled = _compiled(pattern)
    return compiled is None or len(text) > _LONGEST_MATCHED or compiled.search(text) is not None


def _converted(value: Any, schema: Any, root: Schema) -> Any:
    if not isinstance(schema, Mapping) or isinstance(value, Reference | Unknown):
        return value
    if "$ref" in schema:
        return _converted(value, _target(root, schema["$ref"]), root)
    if isinstance(value, dict):
        properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
        other: Any = next(iter(patterns.values()), {})
        return {key: _converted(inner, properties.get(key, other), root) for key, inner in value.items()}
    if isinstance(value, list):
        return [_converted(inner, schema.get("items", {}), root) for inner in value]
    return _scalar(value, schema.get("type"))


def _scalar(value: Any, kind: Any) -> Any:
    if kind == "string" and isinstance(value, bool | int | float):
        return text_of(value)
    if isinstance(value, str):
        if kind == "boolean" and value.lower() in ("true", "false"):
            return value.lower() == "true"
        if kind in ("integer", "number") and isinstance(number := number_of(value), Fraction):
            if number.denominator == 1 and (kind == "number" or "." not in value):
                return int(number)
            return float(number) if kind == "number" else value
    if kind == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    return value
