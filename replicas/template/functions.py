"""CloudFormation's intrinsic functions. Each takes an evaluator and the function's argument, and returns a value."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from ipaddress import ip_network
from itertools import islice
from typing import TYPE_CHECKING, Any

from replicas.endpoint.values import ANYTHING, Reference, Unknown, Value, number_of, open_values, text_of, unknown_from
from replicas.template.faults import Evidence

if TYPE_CHECKING:
    from replicas.template.evaluation import Evaluator

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z0-9_:.]+")
_MOST_SUBNETS = 256
_CHARGE_OF_AN_ITEM = 64
"""Number of characters for which a list item counts in the memory limit."""
_JOIN = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings "
    "to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
)
_SPLIT = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be "
    "split or a function that returns a string to be split."
)
_SUB = (
    "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as "
    "first argument, and an optional second argument to specify a mapping of values to replace in the string"
)
_SELECT = "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
_FIND_IN_MAP = (
    "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute for "
    "return value"
)
GET_ATT_FAULT = (
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
    "attribute"
)


def _ref(evaluator: Evaluator, name: Any) -> Value:
    if not isinstance(name, str):
        return evaluator.fault(
            "Ref names nothing",
            "Template error: every Ref object must have a single String value.",
            Evidence.DOCUMENTED,
        )
    return evaluator.reference(name)


def _get_att(evaluator: Evaluator, argument: Any) -> Value:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
        return evaluator.fault("Fn::GetAtt does not have a resource and an attribute", GET_ATT_FAULT)
    attribute = evaluator.value(parts[1])
    return evaluator.resource(parts[0], attribute if isinstance(attribute, str) else None)


def _sub(evaluator: Evaluator, argument: Any) -> Value:
    template, variables = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
    if not isinstance(template, str) or not isinstance(variables, Mapping):
        return evaluator.fault("Fn::Sub does not have a text", _SUB)
    own = {str(name): evaluator.value(value) for name, value in variables.items()}
    parts: list[Value] = []
    # A split by a pattern with one group returns texts and names alternately.
    for index, part in enumerate(_PLACEHOLDER.split(template)):
        name = part.strip()
        if index % 2 == 0:
            parts.append(evaluator.value(part))
        elif part.startswith("!"):
            parts.append(f"${{{part[1:]}}}")
        elif name in own:
            parts.append(own[name])
        elif not _VARIABLE.fullmatch(name):
            parts.append(
                evaluator.fault(
                    "Fn::Sub has a malformed name",
                    "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, "
                    "underscores, periods, and colons",
                    text=f"${{{part}}}",
                )
            )
        else:
            logical_id, dot, attribute = name.partition(".")
            parts.append(evaluator.resource(logical_id, attribute) if dot else evaluator.reference(name))
    return _concatenated(evaluator, "", [part for part in parts if part != ""], _SUB)


def _join(evaluator: Evaluator, argument: Any) -> Value:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
        return evaluator.fault("Fn::Join does not have a delimiter and a list", _JOIN)
    parts = evaluator.value(argument[1])
    if isinstance(parts, list):
        return _concatenated(evaluator, argument[0], parts, _JOIN)
    return _passed_on(parts) or evaluator.fault("Fn::Join does not have a list", _JOIN)


def _split(evaluator: Evaluator, argument: Any) -> Value:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
        return evaluator.fault("Fn::Split does not have a delimiter and a text", _SPLIT)
    source = evaluator.value(argument[1])
    if isinstance(source, Reference):
        # A piece of an ARN still identifies the resource.
        return replace(source, segments=(*source.segments, (argument[0], None)))
    if isinstance(source, str):
        too_long = evaluator.charged(len(source)) or evaluator.charged(_CHARGE_OF_AN_ITEM * source.count(argument[0]))
        return too_long or source.split(argument[0])
    return _passed_on(source) or evaluator.fault("Fn::Split does not have a text", _SPLIT)


def _select(evaluator: Evaluator, argument: Any) -> Value:
    if not isinstance(argument, list) or len(argument) != 2:
        return evaluator.fault("Fn::Select does not have an index and a list", _SELECT)
    items, index = evaluator.value(argument[1]), number_of(evaluator.value(argument[0]))
    if isinstance(items, Reference):
        return _selected(items, index)
    if isinstance(items, Unknown):
        return unknown_from([items])
    if not isinstance(items, list) or not isinstance(index, Fraction):
        given = evaluator.value(argument[0])
        return _passed_on(given) or evaluator.fault("Fn::Select does not have an index and a list", _SELECT)
    if index not in range(len(items)):
        shown = f"{float(index):g}"
        return evaluator.fault(
            f"Fn::Select has no item {shown}",
            f"Template error: Fn::Select cannot select nonexistent value at index {shown}",
        )
    return items[int(index)]


def _selected(items: Reference, index: Value) -> Reference:
    """Return a reference to one item of a split reference.

    If `items` is not a split reference or the index is unknown, return `items`.
    """
    if not items.segments or not isinstance(index, Fraction):
        return items
    delimiter, _ = items.segments[-1]
    return replace(items, segments=(*items.segments[:-1], (delimiter, int(index))))


def _if(evaluator: Evaluator, argument: Any) -> Value:
    if not isinstance(argument, list) or len(argument) != 3:
        return evaluator.fault(
            "Fn::If does not have a condition and two values",
            "Template error: Fn::If requires a list argument with three parameters",
        )
    answer = evaluator.condition(argument[0])
    return answer if isinstance(answer, Unknown) else evaluator.value(argument[1 if answer else 2])


def _find_in_map(evaluator: Evaluator, argument: Any) -> Value:
    extended = evaluator.has_extensions()
    keys, options = (argument[:3], argument[3:]) if isinstance(argument, list) else ([], [])
    plain = all(isinstance(key, str | int) or set(key) in ({"Ref"}, {"Fn::FindInMap"}) for key in keys if key != [])
    if len(keys) < 3 or (not extended and (options or not plain)):
        return evaluator.fault("Fn::FindInMap needs a map and two keys; more arguments need a transform", _FIND_IN_MAP)
    content: Value = evaluator.mappings
    names = [evaluator.value(key) for key in keys]
    for name in names:
        if not isinstance(name, str | int):
            if isinstance(name, Reference | Unknown):
                return unknown_from([name], _entry_of_map(names))
            return evaluator.fault("Fn::FindInMap has a key that is not a text", _FIND_IN_MAP)
        entries = evaluator.entries(content) if isinstance(content, Mapping) else {}
        if str(name) not in entries:
            if options and isinstance(options[0], Mapping) and "DefaultValue" in options[0]:
                return evaluator.value(options[0]["DefaultValue"])
            return evaluator.fault(
                f"Fn::FindInMap finds no {name!r}",
                f"Template error: Unable to get mapping for {'::'.join(map(text_of, names))}",
            )
        content = entries[str(name)]
    return content


def _entry_of_map(names: list[Value]) -> str:
    """Return the placeholder of an unknown map entry. It is equal for equal keys, so that texts can be compared."""
    keys = [text_of(name) for name in names]
    return ANYTHING if ANYTHING in keys else f"${{Fn::FindInMap {' '.join(key.strip('${}') for key in keys)}}}"


def _import_value(evaluator: Evaluator, argument: Any) -> Value:
    name = evaluator.value(argument)
    return evaluator.world.export(name) if isinstance(name, str) else unknown_from([name])


def _base64(evaluator: Evaluator, argument: Any) -> Value:
    text = evaluator.value(argument)
    if isinstance(text, str | int | float):
        return evaluator.made(base64.b64encode(text_of(text).encode(errors="replace")).decode())
    return _passed_on(text) or evaluator.fault(
        "Fn::Base64 does not have a text", "Template error: Fn::Base64 requires a string", Evidence.DOCUMENTED
    )


def _zones(evaluator: Evaluator, argument: Any) -> Value:
    region = evaluator.value(argument)
    return evaluator.world.zones(evaluator.reference("AWS::Region") if region == "" else region)


def _cidr(evaluator: Evaluator, argument: Any) -> Value:
    values = [evaluator.value(each) for each in argument] if isinstance(argument, list) else []
    if unknown := list(open_values(values)):
        return unknown_from(unknown)
    try:
        block, count, *bits = values
        network = ip_network(block)
        prefix = network.max_prefixlen - int(bits[0] if bits else 8)
        if not 1 <= int(count) <= _MOST_SUBNETS:
            raise ValueError
        if too_long := evaluator.charged(_CHARGE_OF_AN_ITEM * int(count)):
            return too_long
        return [str(subnet) for subnet in islice(network.subnets(new_prefix=prefix), int(count))]
    except (ValueError, TypeError):
        return evaluator.fault(
            "Fn::Cidr does not have a block, a count and a number of bits that fit",
            f"Template error: Fn::Cidr requires an IP block, a count from 1 to {_MOST_SUBNETS} and bits that fit",
            Evidence.DOCUMENTED,
        )


def _length(evaluator: Evaluator, argument: Any) -> Value:
    if not evaluator.has_extensions():
        return _needs_extensions(evaluator, "Fn::Length")
    values = evaluator.value(argument)
    if isinstance(values, list):
        return len(values)
    return _passed_on(values) or evaluator.fault(
        "Fn::Length does not have a list", "Template error: Fn::Length requires a list", Evidence.DOCUMENTED
    )


def _to_json(evaluator: Evaluator, argument: Any) -> Value:
    if not evaluator.has_extensions():
        return _needs_extensions(evaluator, "Fn::ToJsonString")
    value = evaluator.value(argument)
    if unknown := list(open_values(value)):
        return unknown_from(unknown)
    try:
        return evaluator.made(json.dumps(value, separators=(",", ":")))
    except (TypeError, ValueError):
        return evaluator.fault(
            "Fn::ToJsonString does not have an object or a list",
            "Template error: Fn::ToJsonString requires an object or a list",
            Evidence.DOCUMENTED,
        )


def _misplaced(evaluator: Evaluator, _: Any) -> Value:
    return evaluator.fault(
        "a condition function is used where a value is needed",
        "Template error: condition functions are allowed in Conditions, Rules and Fn::If only",
        Evidence.DOCUMENTED,
    )


def _needs_extensions(evaluator: Evaluator, name: str) -> Unknown:
    return evaluator.fault(
        f"{name} needs the transform AWS::LanguageExtensions",
        f"Template error: {name} needs the transform AWS::LanguageExtensions",
        Evidence.DOCUMENTED,
    )


def _passed_on(value: Value) -> Unknown | None:
    """Return the unknown result of a function whose argument is unknown; None if the argument is known."""
    return unknown_from([value]) if isinstance(value, Unknown | Reference) else None


def _concatenated(evaluator: Evaluator, delimiter: str, parts: list[Value], message: str) -> Value:
    """Join parts to one text; a single `Reference` is returned unchanged."""
    if len(parts) == 1 and isinstance(parts[0], Reference):
        return parts[0]
    if not all(isinstance(part, str | int | float | Reference | Unknown) for part in parts):
        return evaluator.fault("a part of the text is not a string or a number", message)
    texts = [text_of(part) for part in parts]
    if too_long := evaluator.charged(sum(map(len, texts)) + len(delimiter) * len(texts)):
        return too_long
    unknown = [part for part in parts if isinstance(part, Reference | Unknown)]
    text = delimiter.join(texts)
    return unknown_from(unknown, text) if unknown else text


FUNCTIONS: Mapping[str, Callable[[Evaluator, Any], Value]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::ImportValue": _import_value,
    "Fn::Base64": _base64,
    "Fn::GetAZs": _zones,
    "Fn::Cidr": _cidr,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
    **dict.fromkeys(("Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"), _misplaced),
}
"""Implementations of the functions, by name."""
