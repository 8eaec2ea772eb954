"""Who refers to whom in a template, and the order that follows from it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from embedded_aws.cloudformation.errors import invalid


def mentions(value: Any) -> Iterator[tuple[str, str | None]]:
    """Every name that a value refers to, with the attribute where it asks for one."""
    if isinstance(value, list):
        for inner in value:
            yield from mentions(inner)
    elif isinstance(value, Mapping):
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Ref" and isinstance(argument, str):
                yield argument, None
                return
            if function == "Fn::GetAtt":
                yield attribute_of(argument)
                if isinstance(argument, list) and len(argument) > 1:
                    yield from mentions(argument[1])
                return
            if function == "Fn::Sub":
                text, own = (argument, {}) if isinstance(argument, str) else (argument[0], argument[1])
                for name in placeholders(text):
                    if name not in own:
                        logical_id, _, attribute = name.partition(".")
                        yield logical_id, attribute or None
                yield from mentions(own)
                return
        for inner in value.values():
            yield from mentions(inner)


def attribute_of(argument: Any) -> tuple[str, str]:
    """Logical id and attribute of a Fn::GetAtt, written as a list or with a dot."""
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str):
        raise invalid(
            "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
            "resource attribute"
        )
    return argument[0], argument[1] if isinstance(argument[1], str) else ""


def placeholders(text: str) -> list[str]:
    """The names in the `${...}` of a Fn::Sub; `${!...}` stands for itself."""
    return [name.strip() for name in re.findall(r"\$\{([^!}][^}]*)\}", text)]


def conditions_in(value: Any) -> Iterator[str]:
    """The conditions that a value asks for."""
    if isinstance(value, list):
        for inner in value:
            yield from conditions_in(inner)
    elif isinstance(value, Mapping):
        chosen = value.get("Fn::If")
        if isinstance(chosen, list) and chosen and isinstance(chosen[0], str):
            yield chosen[0]
        for inner in value.values():
            yield from conditions_in(inner)


def depends_on(definition: Mapping[str, Any], among: Iterable[str]) -> list[str]:
    """The resources of a template that a resource needs first."""
    explicit = definition.get("DependsOn") or []
    names = [explicit] if isinstance(explicit, str) else list(explicit)
    names += [name for name, _ in mentions(definition.get("Properties", {}))]
    known = set(among)
    return [name for name in dict.fromkeys(names) if name in known]


def in_order(needs: Mapping[str, Iterable[str]]) -> list[str]:
    """Names so that each comes after what it needs, otherwise in the order given."""
    remaining = {name: {other for other in others if other in needs} for name, others in needs.items()}
    ordered: list[str] = []
    while remaining:
        free = [name for name, others in remaining.items() if not others]
        if not free:
            raise invalid(f"Circular dependency between resources: [{', '.join(sorted(remaining))}]")
        for name in free:
            del remaining[name]
        ordered += free
        for others in remaining.values():
            others.difference_update(free)
    return ordered
