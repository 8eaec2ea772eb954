"""Error messages for the list `DEPLOYMENTS` of a user's file, and the lines of its entries."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import reduce
from typing import Any

from replicas.deployment.confining import LIST
from replicas.deployment.deployment import Component, Deployment
from replicas.deployment.near import near


def no_list(names: Mapping[str, Any]) -> str:
    """Return the reason why a file has no list of deployments, and the change that corrects this."""
    if LIST in names:
        given = names[LIST]
        if isinstance(given, Deployment):
            return f"{LIST} is one deployment; write it in brackets: {LIST} = [...]"
        return f"{LIST} is {_kind(given)}; write a list: {LIST} = [Deployment(...), ...]"
    own = {name: value for name, value in names.items() if not name.startswith("__")}
    lists = [name for name, value in own.items() if isinstance(value, (list, tuple))]
    of_deployments = [name for name in lists if any(isinstance(entry, Deployment) for entry in own[name])]
    if of_deployments:
        return f"it does not define a list {LIST}; rename the list {of_deployments[-1]} to {LIST}"
    single = [name for name, value in own.items() if isinstance(value, Deployment)]
    hint = near(LIST, lists) or f"; add {LIST} = [{', '.join(single) or 'Deployment(...)'}]"
    return f"it does not define a list {LIST}{hint}"


def wrong_entry(given: Any) -> str:
    """Return what is wrong with an entry that is no deployment, and the change that fixes it."""
    what = f"{LIST} holds {_kind(given)}; it takes Deployment(...) only"
    if isinstance(given, (list, tuple)):
        return f"{what}: leave out the inner brackets, or the comma after the list"
    if isinstance(given, Component):
        return f"{what}: write Deployment(name=..., instance_type=..., components=[Component(...)])"
    if given is None:
        return f"{what}: a function without `return` gives None"
    if callable(given):
        return f"{what}: call {getattr(given, '__name__', 'it')}(...)"
    return what


def lines_of_entries(source: bytes) -> Sequence[int]:
    """Return the lines at which the entries of the list begin; empty if the list is not written entry by entry."""
    return [entry.lineno for entry in _entries(source)]


def line_of_field(source: bytes, deployment: Deployment, place: Sequence[str | int]) -> int | None:
    """Return the line of the file that contains the value of a field of a deployment; None if the value is not a
    literal.

    An entry may be a call of a function of the file that passes on arguments with the names of fields, such as
    `article("a", copies=8)`.
    """
    found = [entry for entry in _entries(source) if _is_named(entry, deployment.name)]
    if len(found) != 1 or not place:
        return None
    node, value = found[0], deployment
    for part in place:
        inner = _member(node, part)
        if inner is None:
            break
        node, value = inner, _value(value, part)
    if _literal(node) == (value,):
        return node.lineno
    passed = _member(found[0], place[-1])
    with suppress(AttributeError, LookupError, TypeError):
        if passed is not None and _literal(passed) == (reduce(_value, place, deployment),):
            return passed.lineno
    return None


def _is_named(entry: ast.expr, name: str) -> bool:
    """Return whether an entry is a call with this name as its argument `name` or as a positional argument."""
    positional = entry.args if isinstance(entry, ast.Call) else []
    return (name,) in [_literal(node) for node in (_member(entry, "name"), *positional)]


def _entries(source: bytes) -> Sequence[ast.expr]:
    for statement in reversed(ast.parse(source).body):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if LIST not in {getattr(target, "id", None) for target in targets}:
            continue
        value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
        if not isinstance(value, (ast.List, ast.Tuple)) or any(isinstance(entry, ast.Starred) for entry in value.elts):
            return ()
        return value.elts
    return ()


def _member(node: ast.expr | None, part: str | int) -> ast.expr | None:
    """Return the argument of a call, the item of a list or the value of a dict; None if the expression does not contain
    it.
    """
    if isinstance(node, ast.Call):
        return next((argument.value for argument in node.keywords if argument.arg == part), None)
    if isinstance(node, (ast.List, ast.Tuple)) and isinstance(part, int):
        return node.elts[part] if part < len(node.elts) else None
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        return next((value for key, value in pairs if _literal(key) == (part,)), None)
    return None


def _literal(node: ast.expr | None) -> tuple[Any, ...]:
    """Return the value of a literal, in a tuple; an empty tuple for any other expression."""
    try:
        return (ast.literal_eval(node),) if node is not None else ()
    except (ValueError, TypeError):
        return ()


def _value(holder: Any, part: str | int) -> Any:
    if isinstance(holder, (Mapping, list, tuple)):
        return holder[part]  # type: ignore[index]
    return getattr(holder, str(part))


def _kind(given: Any) -> str:
    return "None" if given is None else f"a {type(given).__name__}"
