"""Finds the resources, parameters and conditions to which an expression refers, and the resulting creation order."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from replicas.template.faults import Fault

_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")


def mentions(value: Any) -> list[tuple[str, str | None]]:
    """Return every name to which a value refers, with the attribute (None for a `Ref`). Malformed functions
    are skipped.
    """
    mentioned: list[tuple[str, str | None]] = []
    _add_mentions(value, mentioned)
    return mentioned


def _add_mentions(value: Any, mentioned: list[tuple[str, str | None]]) -> None:
    if isinstance(value, str | int):
        return
    if isinstance(value, list):
        for inner in value:
            _add_mentions(inner, mentioned)
    elif isinstance(value, Mapping):
        ((function, argument),) = value.items() if len(value) == 1 else ((None, None),)
        match function:
            case "Ref" if isinstance(argument, str):
                mentioned.append((argument, None))
            case "Fn::GetAtt" if parts := attribute_of(argument):
                mentioned.append((parts[0], parts[1] if isinstance(parts[1], str) else ""))
                _add_mentions(parts[1], mentioned)
            case "Fn::Sub":
                _add_mentions_of_sub(argument, mentioned)
            case _:
                for inner in value.values():
                    _add_mentions(inner, mentioned)


def names_in(value: Any) -> set[str]:
    """Return the names to which a value refers."""
    return {name for name, _ in mentions([value])}


def attribute_of(argument: Any) -> tuple[str, Any] | None:
    """Return logical id and attribute (which can be an expression) of an Fn::GetAtt; None if it is malformed."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str) or not all(parts):
        return None
    return parts[0], parts[1]


def conditions_in(value: Any) -> Iterator[str]:
    """Yield the conditions that a value uses in Fn::If."""
    if isinstance(value, str | int):
        return
    if isinstance(value, list):
        for inner in value:
            yield from conditions_in(inner)
    elif isinstance(value, Mapping):
        chosen = value.get("Fn::If")
        if isinstance(chosen, list) and chosen and isinstance(chosen[0], str):
            yield chosen[0]
        for inner in value.values():
            yield from conditions_in(inner)


def functions_in(value: Any) -> Iterator[str]:
    """Yield the names of the functions in a value. A function is an object whose only key starts with `Fn::`."""
    if isinstance(value, str | int):
        return
    if isinstance(value, list):
        for inner in value:
            yield from functions_in(inner)
    elif isinstance(value, Mapping):
        if len(value) == 1:
            yield from (key for key in value if isinstance(key, str) and key.startswith("Fn::"))
        for inner in value.values():
            yield from functions_in(inner)


def explicit_needs(definition: Mapping[str, Any]) -> list[str]:
    """Return the logical ids in the DependsOn of a resource."""
    given = definition.get("DependsOn") or []
    return [str(logical_id) for logical_id in given] if isinstance(given, list) else [str(given)]


def direct_needs(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    """Return the resources that each resource depends on, by `DependsOn`, `Ref`, `Fn::GetAtt` or `Fn::Sub`."""
    needs = {}
    for logical_id, definition in definitions.items():
        names = [*explicit_needs(definition), *(name for name, _ in mentions(definition.get("Properties", {})))]
        needs[logical_id] = [name for name in dict.fromkeys(names) if name in definitions]
    return needs


def needs_of(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]] | Fault:
    """Return the dependencies of each resource, in creation order; a `Fault` if they form a cycle."""
    needs = direct_needs(definitions)
    order = in_order(needs)
    return order if isinstance(order, Fault) else {logical_id: needs[logical_id] for logical_id in order}


def in_order(needs: Mapping[str, Iterable[str]]) -> list[str] | Fault:
    """Return the names, each after its dependencies and otherwise in the given order.

    Return a `Fault` if the dependencies form a cycle.
    """
    places = {name: place for place, name in enumerate(needs)}
    sorter = TopologicalSorter({name: [other for other in others if other in needs] for name, others in needs.items()})
    try:
        sorter.prepare()
    except CycleError as cycle:
        listed = ", ".join(sorted(set(cycle.args[1])))
        return Fault(f"Circular dependency between resources: [{listed}]")
    ordered: list[str] = []
    while sorter.is_active():
        free = sorted(sorter.get_ready(), key=places.__getitem__)
        ordered += free
        sorter.done(*free)
    return ordered


def _add_mentions_of_sub(argument: Any, mentioned: list[tuple[str, str | None]]) -> None:
    """Add the names in the `${...}` of an Fn::Sub and in its variables; `${!...}` is literal text."""
    text, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
    variables = own if isinstance(own, Mapping) else {}
    for placeholder in _PLACEHOLDER.findall(text) if isinstance(text, str) else ():
        name = placeholder.strip()
        if name not in variables:
            logical_id, _, attribute = name.partition(".")
            mentioned.append((logical_id, attribute or None))
    for inner in variables.values():
        _add_mentions(inner, mentioned)
