"""CloudFormation's intrinsic functions, worked out as far as a template alone allows.

What comes out is plain data with two kinds of leaves that are not: a `Reference` to a resource of the same
template, and an `Unknown`, which says why nobody can know it before the deployment and which parameter would tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from replicas.endpoint.values import ANYTHING, Reference, Unknown, Value, number_of, text_of

_NO_VALUE = object()
"""`AWS::NoValue`: what holds it is left out."""

_DEEPEST = 60
"""Levels of nesting that are followed. CloudFormation's own limits are far below it."""


class Resolver:
    """Works out the values of one template. Never raises: what is malformed is `Unknown`."""

    def __init__(self, template: Mapping[str, Any], *, region: str | None, parameters: Mapping[str, Any]) -> None:
        self._parameters = _section(template, "Parameters")
        self._mappings = _section(template, "Mappings")
        self._conditions = _section(template, "Conditions")
        self._resources = _section(template, "Resources")
        self._given = parameters
        self._pseudo = _pseudo_parameters(region)
        self._open: set[int] = set()
        self._functions: dict[str, Callable[[Any], Value]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Split": self._split,
            "Fn::Select": self._select,
            "Fn::FindInMap": self._find_in_map,
            "Fn::If": self._if,
        }

    def resolve(self, value: Any) -> Value:
        """The value with every function in it worked out; what `AWS::NoValue` removes becomes None."""
        resolved = self._value(value)
        return None if resolved is _NO_VALUE else resolved

    def condition(self, name: Any) -> bool | Unknown:
        """Whether a condition of the template holds."""
        if not isinstance(name, str) or name not in self._conditions:
            return Unknown(f"there is no condition {name!r}")
        return self._holds(self._conditions[name])

    def _value(self, value: Any) -> Value:
        if isinstance(value, str) and "{{resolve:" in value:
            return Unknown("a dynamic reference is read at the deployment", text=value)
        if not isinstance(value, Mapping | list | tuple):
            return value
        return self._guarded(value, self._structure)

    def _guarded(self, value: Any, work: Callable[[Any], Value]) -> Value:
        """Work on a container, unless it lies in itself (a YAML alias, a condition) or absurdly deep."""
        if id(value) in self._open or len(self._open) > _DEEPEST:
            return Unknown("it is nested too deeply, or in itself")
        self._open.add(id(value))
        try:
            return work(value)
        finally:
            self._open.discard(id(value))

    def _structure(self, value: Any) -> Value:
        if not isinstance(value, Mapping):
            return [item for item in map(self._value, value) if item is not _NO_VALUE]
        functions = [key for key in value if isinstance(key, str) and (key == "Ref" or key.startswith("Fn::"))]
        if functions:
            function = self._functions.get(functions[0])
            if function is None or len(value) > 1:
                return Unknown(f"{functions[0]} is worked out at the deployment")
            return function(value[functions[0]])
        pairs = ((str(key), self._value(item)) for key, item in value.items())
        return {key: item for key, item in pairs if item is not _NO_VALUE}

    def _ref(self, name: Any) -> Value:
        if not isinstance(name, str):
            return Unknown("Ref names nothing")
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameter(name)
        if name in self._resources:
            return Reference(name)
        if name == "AWS::Region" or (name in ("AWS::Partition", "AWS::URLSuffix") and not self._pseudo):
            return Unknown("it depends on the region", ("AWS::Region",), f"${{{name}}}")
        return Unknown(f"{name} is known at the deployment", text=f"${{{name}}}")

    def _parameter(self, name: str) -> Value:
        declared = self._parameters[name]
        kind = declared.get("Type") if isinstance(declared, Mapping) else None
        if isinstance(kind, str) and kind.startswith("AWS::SSM::"):
            return Unknown(f"parameter {name} is read from Systems Manager at the deployment", text=f"${{{name}}}")
        value = self._given.get(name, declared.get("Default") if isinstance(declared, Mapping) else None)
        if value is None:
            return Unknown(f"parameter {name} has no default", (name,), f"${{{name}}}")
        if isinstance(value, str) and isinstance(kind, str) and "List" in kind:
            return [part.strip() for part in value.split(",")]
        return self._value(value)

    def _get_att(self, argument: Any) -> Value:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
            return Unknown("Fn::GetAtt has no resource and attribute")
        if parts[0] not in self._resources:
            return Unknown("Fn::GetAtt names no resource of the template")
        return Reference(parts[0], parts[1] if isinstance(parts[1], str) else None)

    def _sub(self, argument: Any) -> Value:
        template, variables = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        if not isinstance(template, str) or not isinstance(variables, Mapping):
            return Unknown("Fn::Sub has no text")
        parts: list[Value] = []
        # Splitting by one group gives text and names in turn.
        for index, part in enumerate(re.split(r"\$\{([^}]*)\}", template)):
            if index % 2 == 0:
                parts.append(self._value(part))
            elif part.startswith("!"):
                parts.append(f"${{{part[1:]}}}")
            elif part in variables:
                parts.append(self._value(variables[part]))
            elif "." in part:
                parts.append(self._get_att(part))
            else:
                parts.append(self._ref(part))
        return _concatenated("", [part for part in parts if part != ""])

    def _join(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
            return Unknown("Fn::Join has no delimiter and list")
        parts = self._value(argument[1])
        return _concatenated(argument[0], parts) if isinstance(parts, list) else _as_unknown(parts)

    def _split(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
            return Unknown("Fn::Split has no delimiter and text")
        source = self._value(argument[1])
        if isinstance(source, Reference):
            return source  # a part of an ARN still names the resource
        return source.split(argument[0]) if isinstance(source, str) else _as_unknown(source)

    def _select(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 2:
            return Unknown("Fn::Select has no index and list")
        items = self._value(argument[1])
        if isinstance(items, Reference):
            return items
        index = number_of(self._value(argument[0]))
        if not isinstance(items, list) or not isinstance(index, Fraction):
            return _as_unknown(items if isinstance(items, Unknown) else index)
        if index not in range(len(items)):
            return Unknown(f"Fn::Select has no item {float(index):g}")
        return items[int(index)]

    def _find_in_map(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) < 3:
            return Unknown("Fn::FindInMap has no map and keys")
        found: Value = self._mappings
        for key in argument[:3]:
            name = self._value(key)
            if not isinstance(name, str | int):
                return _as_unknown(name)
            # YAML reads the key 123456789012 as a number; CloudFormation as a text.
            entries = {str(entry): value for entry, value in found.items()} if isinstance(found, Mapping) else {}
            if str(name) not in entries:
                return self._default_of_map(argument[3:], f"Fn::FindInMap finds no {name!r}")
            found = entries[str(name)]
        return found

    def _default_of_map(self, options: list[Any], why: str) -> Value:
        if options and isinstance(options[0], Mapping) and "DefaultValue" in options[0]:
            return self._value(options[0]["DefaultValue"])
        return Unknown(why)

    def _if(self, argument: Any) -> Value:
        if not isinstance(argument, list) or len(argument) != 3:
            return Unknown("Fn::If has no condition and two values")
        holds = self.condition(argument[0])
        return holds if isinstance(holds, Unknown) else self._value(argument[1 if holds else 2])

    def _holds(self, expression: Any) -> bool | Unknown:
        if not isinstance(expression, Mapping) or len(expression) != 1:
            return Unknown("it is no condition function")
        answer = self._guarded(expression, self._condition_function)
        return answer if isinstance(answer, bool) else _as_unknown(answer)

    def _condition_function(self, expression: Mapping[str, Any]) -> bool | Unknown:
        function, argument = next(iter(expression.items()))
        if function == "Condition":
            return self.condition(argument)
        operands = argument if isinstance(argument, list) else []
        if function == "Fn::Equals" and len(operands) == 2:
            left, right = map(self._value, operands)
            if isinstance(left, str | int | float) and isinstance(right, str | int | float):
                return text_of(left) == text_of(right)
            return _as_unknown(left, right)
        if function == "Fn::Not" and len(operands) == 1:
            holds = self._holds(operands[0])
            return holds if isinstance(holds, Unknown) else not holds
        if function in ("Fn::And", "Fn::Or") and operands:
            deciding = function == "Fn::Or"  # one true operand decides an Or, one false an And
            answers = [self._holds(operand) for operand in operands]
            if deciding in answers:
                return deciding
            unknown = [answer for answer in answers if isinstance(answer, Unknown)]
            return _as_unknown(*unknown) if unknown else not deciding
        return Unknown(f"{function} is worked out at the deployment")


def _concatenated(delimiter: str, parts: list[Value]) -> Value:
    """The parts as one text; a `Reference` that stands alone stays one."""
    if len(parts) == 1 and isinstance(parts[0], Reference):
        return parts[0]
    text = delimiter.join(map(text_of, parts))
    open_parts = [part for part in parts if not isinstance(part, str | int | float)]
    return _as_unknown(*open_parts, text=text) if open_parts else text


def _as_unknown(*values: Value, text: str = ANYTHING) -> Unknown:
    """What follows from values of which at least one is not known."""
    unknown = [value for value in values if isinstance(value, Unknown)]
    why = unknown[0].why if unknown else "it is known at the deployment"
    return Unknown(why, _distinct(name for value in unknown for name in value.parameters), text)


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def _section(template: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = template.get(name)
    return section if isinstance(section, Mapping) else {}


def _pseudo_parameters(region: str | None) -> dict[str, str]:
    if region is None:
        return {}
    if "iso" in region or region.startswith("eusc-"):
        return {"AWS::Region": region}  # partitions of their own, with names that no template here is proven for
    china, government = region.startswith("cn-"), region.startswith("us-gov-")
    return {
        "AWS::Region": region,
        "AWS::Partition": "aws-cn" if china else "aws-us-gov" if government else "aws",
        "AWS::URLSuffix": "amazonaws.com.cn" if china else "amazonaws.com",
    }
