"""CloudFormation's functions, evaluated against parameters and the resources that exist."""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.references import attribute_of
from embedded_aws.cloudformation.template import LANGUAGE_EXTENSIONS, Template

_NO_VALUE = object()
"""`AWS::NoValue`: what holds it is left out."""


@dataclass(frozen=True)
class Unresolved:
    """A value that is known only after a resource was created or updated."""

    logical_id: str
    attribute: str | None
    certain: bool = True
    """Whether it surely differs from what was: the resource is new or is replaced."""


def unresolved_in(value: Any) -> Iterator[Unresolved]:
    """What is not known yet within a value."""
    if isinstance(value, Unresolved):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from unresolved_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from unresolved_in(inner)


Lookup = Callable[[str, str | None], Any]


class Evaluation:
    """Values of a template's expressions.

    `lookup` gives a resource's Ref (no attribute) or attribute, `imported` an export's value by its name.
    """

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, Any],
        pseudo: Mapping[str, Any],
        *,
        lookup: Lookup,
        imported: Callable[[str], str],
    ) -> None:
        self._template = template
        self._parameters = parameters
        self._pseudo = pseudo
        self._lookup = lookup
        self._imported = imported
        self._conditions: dict[str, bool | None] = {}
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Sub": self._sub,
            "Fn::Join": self._join,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::If": self._if,
            "Fn::FindInMap": self._find_in_map,
            "Fn::ImportValue": self._import_value,
            "Fn::Base64": self._base64,
            "Fn::GetAZs": self._zones,
            "Fn::Cidr": self._cidr,
            "Fn::Length": self._length,
            "Fn::ToJsonString": self._to_json,
            **dict.fromkeys(("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not"), self._misplaced),
        }

    def value(self, expression: Any) -> Any:
        """The value of an expression; what `AWS::NoValue` takes out is gone."""
        value = self._value(expression)
        return None if value is _NO_VALUE else value

    def present(self) -> dict[str, dict[str, Any]]:
        """The resources whose condition holds."""
        return {
            logical_id: definition
            for logical_id, definition in self._template.resources.items()
            if "Condition" not in definition or self.condition(definition["Condition"])
        }

    def condition(self, name: Any) -> bool:
        """Whether a condition of the template holds."""
        conditions = self._template.section("Conditions")
        if not isinstance(name, str) or name not in conditions:
            raise invalid(
                f"Template format error: Unresolved condition dependency {name} in the Conditions block of the template"
            )
        if name in self._conditions:
            known = self._conditions[name]
            if known is None:
                raise invalid(f"Template format error: Circular condition dependency: {name}")
            return known
        self._conditions[name] = None
        holds = self._conditions[name] = self.truth(conditions[name])
        return holds

    def truth(self, expression: Any) -> bool:
        """Whether an expression of a condition or a rule holds."""
        if isinstance(expression, Mapping) and len(expression) == 1:
            ((function, argument),) = expression.items()
            match function:
                case "Condition":
                    return self.condition(argument)
                case "Fn::Not":
                    return not self.truth(argument[0])
                case "Fn::And":
                    return all(list(map(self.truth, argument)))
                case "Fn::Or":
                    return any(list(map(self.truth, argument)))
                case "Fn::Equals":
                    left, right = (self.value(one) for one in argument)
                    return bool(_comparable(left) == _comparable(right))
                case "Fn::Contains":
                    return _comparable(self.value(argument[1])) in [_comparable(one) for one in self.value(argument[0])]
                case "Fn::EachMemberEquals":
                    wanted = _comparable(self.value(argument[1]))
                    return all(_comparable(one) == wanted for one in self.value(argument[0]))
                case "Fn::EachMemberIn":
                    allowed = [_comparable(one) for one in self.value(argument[1])]
                    return all(_comparable(one) in allowed for one in self.value(argument[0]))
        if expression in (True, "true"):
            return True
        if expression in (False, "false"):
            return False
        raise invalid(
            f"Template format error: Conditions can only be boolean operations on parameters: {json.dumps(expression)}"
        )

    def _value(self, expression: Any) -> Any:
        if isinstance(expression, Mapping):
            if len(expression) == 1:
                ((name, argument),) = expression.items()
                if name in self._functions:
                    return self._functions[name](argument)
                if isinstance(name, str) and name.startswith("Fn::"):
                    raise invalid(f"Template error: the embedded AWS does not know the function {name}")
            members = {key: self._value(inner) for key, inner in expression.items()}
            return {key: inner for key, inner in members.items() if inner is not _NO_VALUE}
        if isinstance(expression, list):
            return [inner for inner in map(self._value, expression) if inner is not _NO_VALUE]
        return expression

    def _ref(self, name: Any) -> Any:
        if name == "AWS::NoValue":
            return _NO_VALUE
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        return self._lookup(name, None)

    def _get_att(self, argument: Any) -> Any:
        if isinstance(argument, list) and len(argument) == 2:
            argument = [argument[0], self.value(argument[1])]
        return self._lookup(*attribute_of(argument))

    def _sub(self, argument: Any) -> Any:
        text, own = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
        variables = {name: self.value(inner) for name, inner in own.items()}
        pieces: list[Any] = []
        for literal, name in re.findall(r"([^$]+|\$(?!\{))|\$\{([^}]*)\}", text):
            if literal:
                pieces.append(literal)
            elif name.startswith("!"):
                pieces.append("${" + name[1:] + "}")
            elif name.strip() in variables:
                pieces.append(variables[name.strip()])
            else:
                logical_id, _, attribute = name.strip().partition(".")
                pieces.append(self._lookup(logical_id, attribute) if attribute else self._ref(logical_id))
        return _joined("", pieces)

    def _join(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 2:
            raise invalid(
                "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list "
                "of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be "
                "joined."
            )
        values = self.value(argument[1])
        return values if isinstance(values, Unresolved) else _joined(str(argument[0]), values)

    def _select(self, argument: Any) -> Any:
        index, values = self.value(argument[0]), self.value(argument[1])
        if isinstance(values, Unresolved):
            return values
        if isinstance(values, str):
            values = values.split(",")
        try:
            return values[int(index)]
        except (IndexError, ValueError, TypeError):
            raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}") from None

    def _split(self, argument: Any) -> Any:
        text = self.value(argument[1])
        return text if isinstance(text, Unresolved) else str(text).split(str(argument[0]))

    def _if(self, argument: Any) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            raise invalid("Template error: Fn::If requires a list argument with three parameters")
        return self._value(argument[1] if self.condition(argument[0]) else argument[2])

    def _find_in_map(self, argument: Any) -> Any:
        name, top, second = (self.value(one) for one in argument[:3])
        try:
            return self._template.section("Mappings")[name][str(top)][str(second)]
        except KeyError:
            if len(argument) > 3 and "DefaultValue" in argument[3]:
                self._need_extensions("Fn::FindInMap with a DefaultValue")
                return self._value(argument[3]["DefaultValue"])
            raise invalid(f"Template error: Unable to get mapping for {name}::{top}::{second}") from None

    def _import_value(self, argument: Any) -> Any:
        return self._imported(str(self.value(argument)))

    def _base64(self, argument: Any) -> Any:
        text = self.value(argument)
        return text if isinstance(text, Unresolved) else base64.b64encode(str(text).encode()).decode()

    def _zones(self, argument: Any) -> list[str]:
        region = self.value(argument) or self._pseudo["AWS::Region"]
        return [f"{region}{letter}" for letter in "abc"]

    def _cidr(self, argument: Any) -> Any:
        block, count, *bits = (self.value(one) for one in argument)
        if isinstance(block, Unresolved):
            return block
        network = ipaddress.ip_network(block)
        subnets = network.subnets(new_prefix=network.max_prefixlen - int(bits[0] if bits else 8))
        return [str(subnet) for subnet, _ in zip(subnets, range(int(count)), strict=False)]

    def _length(self, argument: Any) -> Any:
        self._need_extensions("Fn::Length")
        values = self.value(argument)
        return values if isinstance(values, Unresolved) else len(values)

    def _to_json(self, argument: Any) -> Any:
        self._need_extensions("Fn::ToJsonString")
        value = self.value(argument)
        return next(unresolved_in(value), None) or json.dumps(value, separators=(",", ":"))

    def _misplaced(self, _: Any) -> Any:
        raise invalid("Template error: conditions' functions stand in Conditions and Rules only")

    def _need_extensions(self, what: str) -> None:
        if LANGUAGE_EXTENSIONS not in self._template.transforms:
            raise invalid(f"Template error: {what} needs the transform {LANGUAGE_EXTENSIONS}")


def text_of(value: Any) -> str:
    """A value as CloudFormation writes it into a text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _joined(delimiter: str, values: Any) -> Any:
    if not isinstance(values, list):
        values = [values]
    pending = list(unresolved_in(values))
    if pending:
        return next((one for one in pending if one.certain), pending[0])
    return delimiter.join(text_of(one) for one in values)


def _comparable(value: Any) -> Any:
    return text_of(value) if isinstance(value, bool | int | float) else value
