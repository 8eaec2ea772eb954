"""Validation of properties against a resource schema, and CloudFormation's conversion of scalars."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import regex  # type: ignore[import-untyped]
from jsonschema import validators

from embedded_aws.cloudformation.schemas import Schema
from replicas.endpoint.values import Reference, Unknown, number_of, text_of


@dataclass(frozen=True)
class Problem:
    """A validation error of a property."""

    path: tuple[str, ...]
    message: str

    def __str__(self) -> str:
        return f"#{''.join(f'/{segment}' for segment in self.path)}: {self.message}"


def coerced(properties: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """Properties with scalars converted to the schema's types, such as "8" to 8, true to "true", and back."""
    fitted = _converted(dict(properties), schema.content, schema.content)
    return fitted if isinstance(fitted, dict) else dict(properties)


def _converted(value: Any, schema: Any, root: Mapping[str, Any]) -> Any:
    if not isinstance(schema, Mapping) or isinstance(value, Reference | Unknown):
        return value
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = root
        for segment in reference[2:].split("/"):
            target = target[segment]
        return _converted(value, target, root)
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


def problems(properties: Mapping[str, Any], schema: Schema) -> list[Problem]:
    """Validation errors in CloudFormation's words; values that are not known yet are valid."""
    errors = [
        Problem((), f"extraneous key [{name}] is not permitted")
        for (name, *rest) in sorted(schema.read_only)
        if not rest and name in properties
    ]
    validator = _validator_class()(schema.content)
    for error in validator.iter_errors(dict(properties)):
        errors += _worded(error)
    return list(dict.fromkeys(errors))


def _worded(error: jsonschema.ValidationError) -> list[Problem]:
    path = tuple(map(str, error.absolute_path))
    match error.validator:
        case "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            return [Problem(path, f"required key [{name}] not found") for name in missing]
        case "additionalProperties":
            extra = _undefined_keys(error.instance, error.schema)
            return [Problem(path, f"extraneous key [{key}] is not permitted") for key in extra]
        case "type":
            types = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
            names = " or ".join(_TYPES.get(name, str(name)) for name in types)
            return [Problem(path, f"expected type: {names}, found: {_type_of(error.instance)}")]
        case "minLength" | "maxLength":
            return [
                Problem(path, f"expected {error.validator}: {error.validator_value}, actual: {len(error.instance)}")
            ]
        case "minItems":
            return [
                Problem(path, f"expected minimum item count: {error.validator_value}, found: {len(error.instance)}")
            ]
        case "maxItems":
            return [
                Problem(path, f"expected maximum item count: {error.validator_value}, found: {len(error.instance)}")
            ]
        case "minimum":
            return [Problem(path, f"{text_of(error.instance)} is not greater or equal to {error.validator_value}")]
        case "maximum":
            return [Problem(path, f"{text_of(error.instance)} is not less or equal to {error.validator_value}")]
        case "oneOf" | "anyOf":
            fitting = (
                0
                if error.validator == "anyOf"
                else len(error.validator_value) - len({e.schema_path[0] for e in error.context})
            )
            inner = [problem for cause in error.context for problem in _worded(cause)]
            return [Problem(path, f"#: {fitting} subschemas matched instead of one"), *inner]
        case _:
            return [Problem(path, f"failed validation constraint for keyword [{error.validator}]")]


_TYPES = {
    "object": "JSONObject",
    "array": "JSONArray",
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
}


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "Boolean"
    names = {dict: "JSONObject", list: "JSONArray", str: "String", int: "Integer", float: "Double"}
    return names.get(type(value), "null")


def _undefined_keys(instance: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    """Keys of an object that its schema does not define."""
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return [key for key in instance if key not in known and not any(regex.search(pattern, key) for pattern in patterns)]


Check = Callable[[Any, Any, Any, Any], Iterator[jsonschema.ValidationError]]


@cache
def _validator_class() -> Any:
    """JSON Schema draft 7 as CloudFormation applies it: Unicode classes in patterns; unknown values are valid."""

    def if_known(check: Check) -> Check:
        def checked(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[jsonschema.ValidationError]:
            if not isinstance(instance, Reference | Unknown):
                yield from check(validator, value, instance, schema) or ()

        return checked

    def pattern(_: Any, expression: str, instance: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
        if isinstance(instance, str) and not regex.search(expression, instance):
            yield jsonschema.ValidationError("does not match")

    def pattern_properties(
        validator: Any, by_pattern: Any, instance: Any, _: Any
    ) -> Iterator[jsonschema.ValidationError]:
        for expression, schema in by_pattern.items() if isinstance(instance, Mapping) else ():
            for key, value in instance.items():
                if regex.search(expression, key):
                    yield from validator.descend(value, schema, path=key, schema_path=expression)

    def additional(
        validator: Any, additional_schema: Any, instance: Any, schema: Any
    ) -> Iterator[jsonschema.ValidationError]:
        for key in _undefined_keys(instance, schema) if isinstance(instance, Mapping) else ():
            if additional_schema is False:
                yield jsonschema.ValidationError(key)
                return
            if isinstance(additional_schema, Mapping):
                yield from validator.descend(instance[key], additional_schema, path=key)

    known = {**jsonschema.Draft7Validator.VALIDATORS, "pattern": pattern}
    known |= {"patternProperties": pattern_properties, "additionalProperties": additional}
    return validators.extend(jsonschema.Draft7Validator, {name: if_known(check) for name, check in known.items()})
