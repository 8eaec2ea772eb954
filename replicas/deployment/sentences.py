"""Writes a sentence for each faulty field of a deployment: given value, allowed values, and a valid name."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from pydantic_core import ErrorDetails

from replicas.deployment.bounds import REASONS
from replicas.deployment.patterns import IDENTIFIER, IN_WORDS, NAME, TAG
from replicas.deployment.unresolved import is_unresolved

NAME_LENGTH = 63
"""Maximum length of the names of endpoints and inference components (botocore, EndpointName,
InferenceComponentName)."""

_SHOWN = 97
_ALTERNATIVES = ("literal[", "PrefixAwareRouting", "lax-or-strict[", "json-or-python[", "function-", "is-instance[")
_LEAST_OF_ANY_COUNT = (0, 1)
GIVE = "give "
"""Beginning of the part of a sentence that says what is allowed."""
_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "a text",
    "bool_type": "a switch",
    "dict_type": "a dict",
    "mapping_type": "a dict",
    "list_type": "a list",
    "tuple_type": "a list",
    "sequence_str": "a list",
    "float_type": "a number of this size",
    "no_boolean": "a number",
    "finite_number": "finite",
}
"""What a value must be, by pydantic's type of the error."""
_MAPPINGS = ("environment", "tags")
_PROPS = {
    "subnets": "vpc= and vpc_subnets=",
    "security_groups": "security_groups=",
    "kms_key": "encryption_key=",
    "weights_kms_key": "weights_key=",
    "topic": "alarm_actions=",
    "permissions_boundary": "permissions_boundary=",
    "tags": "tags=",
}
"""Arguments of `MultiReplicaEndpoint` that replace fields of a deployment."""
_PROPS_OF_A_COMPONENT = {"weights": "weights=", "token_secret": "token_secret="}
_STACKS_OWN = ("region", "account", "weights_account")


def place_of(fault: ErrorDetails) -> tuple[str | int, ...]:
    """Return the path of the faulty field, without the union types that pydantic inserts."""
    place = tuple(part for part in fault["loc"] if not str(part).startswith(_ALTERNATIVES))
    return place[:-1] if place[-1:] == ("str",) else place


def sentence_of(fault: ErrorDetails) -> str:
    """Return the sentence of a fault that pydantic found."""
    place, given = place_of(fault), fault["input"]
    if is_unresolved(given):
        return f"{_written(place)}={_shown_token(given)}: {_instead_of_token(place)}"
    if fault["type"] == "value_error":
        return f"{_written(place)}={shown(given)}: {fault['ctx']['error']}"
    wrong = f"it is not {_KINDS[fault['type']]}: " if fault["type"] in _KINDS else ""
    return f"{_written(place)}={shown(given)}: {wrong}{GIVE}{_allowed_values(fault)}"


def _shown_token(given: Any) -> str:
    return "a number" if isinstance(given, float) else shown(given)


def _instead_of_token(place: tuple[str | int, ...]) -> str:
    """Return the change to make if a field contains a CDK token."""
    fields = [part for part in place if isinstance(part, str)]
    last = next((part for part in reversed(fields) if part in {*_PROPS, *_PROPS_OF_A_COMPONENT, *_STACKS_OWN}), "")
    why = "the value is a CDK token, known only at deployment"
    if last in _PROPS:
        return f"{why}: pass {_PROPS[last]} to MultiReplicaEndpoint instead"
    if last == "weights" and "adapters" in fields:
        return f"{why}: set weights=FROM_PROPS here, and pass adapters= of ComponentOptions to MultiReplicaEndpoint"
    if last in _PROPS_OF_A_COMPONENT:
        prop = _PROPS_OF_A_COMPONENT[last]
        return f"{why}: set {prop}FROM_PROPS here, and pass {prop} of ComponentOptions to MultiReplicaEndpoint"
    if last in _STACKS_OWN:
        return f"{why}: remove {last}= to use the value of the stack, or give a literal"
    return f"{why}, but the proof needs it at synth: give a literal"


def _written(place: tuple[str | int, ...]) -> str:
    """Return a field path in Python notation: `security.tags['team']` for a value, `security.tags key` for a key."""
    for mapping in _MAPPINGS:
        if mapping in place[:-1]:
            at = place.index(mapping) + 1
            entry = " key" if place[-1] == "[key]" else f"[{shown(place[at])}]"
            return f"{_written(place[:at])}{entry}"
    return ".".join(map(str, place)) or "deployment"


def shown(given: Any) -> str:
    """Return a value as text of at most 100 characters, for a message."""
    if isinstance(given, int) and given.bit_length() > 400:  # Python refuses to print thousands of digits
        return f"a number of {int(given.bit_length() * 0.30103) + 1:,} digits"
    try:
        text = repr(given)
    except ValueError:  # the value contains a number with thousands of digits
        text = f"{type(given).__name__}(...)"
    return text if len(text) <= _SHOWN + 3 else f"{text[:_SHOWN]}..."


def title_of(name: Any) -> str:
    """Return the name of a deployment for the title of an error; its `repr` if the name is invalid."""
    is_name = isinstance(name, str) and len(name) <= NAME_LENGTH and re.fullmatch(NAME, name) and name.isascii()
    return str(name) if is_name and "\n" not in name else shown(name)


def near_name(given: str, *, letter_first: bool = True) -> str | None:
    """Return a valid name that is similar to a given name; None if the given name has no valid character."""
    plain = unicodedata.normalize("NFKD", given[: 4 * NAME_LENGTH]).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-zA-Z0-9]+", "-", plain).strip("-")
    if letter_first and name[:1].isdigit():
        name = f"model-{name}"
    return name[:NAME_LENGTH].rstrip("-") or None


def _allowed_values(fault: ErrorDetails) -> str:
    """Return the values that are allowed for the faulty field, in words."""
    context: dict[str, Any] = fault.get("ctx", {})
    given, pattern = fault["input"], context.get("pattern", "")
    last = str(fault["loc"][-1]) if fault["loc"] else ""
    if pattern in (NAME, IDENTIFIER) or (fault["type"] == "string_too_long" and context["max_length"] == NAME_LENGTH):
        near = near_name(given, letter_first=pattern != IDENTIFIER)
        example = f": {near!r}, for example" if near and near != given else ""
        return f"1 to {NAME_LENGTH} {IN_WORDS[pattern or NAME]}{example}"
    if fault["type"] in ("string_too_short", "string_too_long") and "tags" in fault["loc"]:
        return IN_WORDS[TAG]
    if pattern in IN_WORDS:
        return IN_WORDS[pattern]
    if fault["type"] == "too_short":
        return f"at least one {last.removesuffix('s').replace('_', ' ')}"
    reason = f" ({REASONS[last]})" if last in REASONS else ""
    match fault["type"]:
        case "greater_than_equal":
            return f"{_number(context['ge'])} or more{reason if context['ge'] not in _LEAST_OF_ANY_COUNT else ''}"
        case "greater_than":
            return f"more than {_number(context['gt'])}"
        case "less_than_equal":
            return f"at most {_number(context['le'])}{reason}"
        case "too_long":
            return f"at most {context['max_length']}{reason}"
        case "int_type" | "int_from_float":
            return f"one such as 2{', without quotes' if isinstance(given, str) else ''}"
        case "sequence_str" | "is_instance_of":
            return f"a list{_such_as_list(last, given)}"
        case "float_type":
            return "a smaller number" if isinstance(given, int) and not isinstance(given, bool) else "a number"
        case "dataclass_type" | "dataclass_exact_type":
            return _call_of(context["class_name"], given)
        case "string_type":
            return "one in quotes"
        case "bool_type":
            return "True or False"
        case "dict_type" | "mapping_type":
            return "a dict with texts: {'NAME': 'value'}"
        case "list_type" | "tuple_type":
            return "a list"
        case "int_parsing_size":
            return "a smaller number"
        case "no_boolean":
            return "a number, not True or False"
        case "finite_number":
            return "a finite number"
        case "literal_error":
            return str(context["expected"])
        case "string_pattern_mismatch":
            return f"a text of the form {pattern}"
        case "string_too_short":
            return f"a text of {context['min_length']} or more characters"
        case "string_too_long":
            return f"a text of at most {context['max_length']} characters"
        case _:
            return "a value of another type"


def _such_as_list(field: str, given: Any) -> str:
    """Return an example of a list that contains the given value; empty if no example is known."""
    if field == "components":
        return f" such as [{_call_of('Component', given)}]"
    return f" such as [{shown(given)}]" if isinstance(given, str) else ""


def _call_of(class_name: str, given: Any) -> str:
    """Return a call that creates an object of a class. If a model was given instead, the call contains it."""
    is_model = class_name == "Component" and isinstance(given, str)
    return f"Component(model={shown(given)})" if is_model else f"{class_name}(...)"


def _number(bound: float) -> str:
    return f"{int(bound):,}" if bound == int(bound) else f"{bound:g}"
