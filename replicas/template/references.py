"""Which resources, parameters and conditions an expression names, and the order of resources that follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from replicas.template.faults import Fault

_PLACEHOLDER = re.compile(r"\$\{([^!}][^}]*)\}")


def mentions(value: Any) -> Iterator[tuple[str, str | None]]:
    """Every name that a value refers to, with the attribute where it asks for one. Malformed functions name nothing."""
    if isinstance(value, list):
        for inner in value:
            yield from mentions(inner)
    elif isinstance(value, Mapping):
        ((function, argument),) = value.items() if len(value) == 1 else ((None, None),)
        match function:
            case "Ref" if isinstance(argument, str):
                yield argument, None
            case "Fn::GetAtt" if parts := attribute_of(argument):
                yield parts[0], parts[1] if isinstance(parts[1], str) else ""
                yield from mentions(parts[1])
            case "Fn::Sub":
                yield from _of_sub(argument)
            case _:
                for inner in value.values():
                    yield from mentions(inner)


def names_in(value: Any) -> set[str]:
    """The names that a value refers to."""
    return {name for name, _ in mentions([value])}


def attribute_of(argument: Any) -> tuple[str, Any] | None:
    """Logical id and attribute (perhaps an expression) of a Fn::GetAtt; None if it is malformed."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str) or not all(parts):
        return None
    return parts[0], parts[1]


def conditions_in(value: Any) -> Iterator[str]:
    """The conditions that a value asks for by Fn::If."""
    if isinstance(value, list):
        for inner in value:
            yield from conditions_in(inner)
    elif isinstance(value, Mapping):
        chosen = value.get("Fn::If")
        if isinstance(chosen, list) and chosen and isinstance(chosen[0], str):
            yield chosen[0]
        for inner in value.values():
            yield from conditions_in(inner)


def explicit_needs(definition: Mapping[str, Any]) -> list[str]:
    """The logical ids in the DependsOn of a resource."""
    given = definition.get("DependsOn") or []
    return [str(each) for each in given] if isinstance(given, list) else [str(given)]


def needs_of(definitions: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]] | Fault:
    """What each resource depends on, in an order in which resources can be created; a fault if there is none."""
    needs = {}
    for logical_id, definition in definitions.items():
        names = [*explicit_needs(definition), *(name for name, _ in mentions(definition.get("Properties", {})))]
        needs[logical_id] = [name for name in dict.fromkeys(names) if name in definitions]
    order = in_order(needs)
    return order if isinstance(order, Fault) else {logical_id: needs[logical_id] for logical_id in order}


def in_order(needs: Mapping[str, Iterable[str]]) -> list[str] | Fault:
    """Names so that each comes after what it needs, otherwise in the order given; a fault if they need each other."""
    places = {name: place for place, name in enumerate(needs)}
    sorter = TopologicalSorter({name: [each for each in others if each in needs] for name, others in needs.items()})
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


def _of_sub(argument: Any) -> Iterator[tuple[str, str | None]]:
    """The names in the `${...}` of a Fn::Sub and in its own variables; `${!...}` stands for itself."""
    text, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
    variables = own if isinstance(own, Mapping) else {}
    for found in _PLACEHOLDER.findall(text) if isinstance(text, str) else ():
        name = found.strip()
        if name not in variables:
            logical_id, _, attribute = name.partition(".")
            yield logical_id, attribute or None
    for inner in variables.values():
        yield from mentions(inner)
