"""Error messages for calls in a user's file whose arguments do not match the signature of the function or class.

The signature is read from the function objects that the names of the file refer to. No code of the file is evaluated.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from inspect import Parameter
from typing import Any

from replicas.deployment.near import near_or_all

_CALL = re.compile(
    r"(?P<function>[\w.<>]+)\(\) (?:"
    r"got an unexpected keyword argument '(?P<unknown>\w+)'"
    r"|got multiple values for argument '(?P<twice>\w+)'"
    r"|missing \d+ required (?:positional|keyword-only) arguments?: (?P<missing>.+)"
    r"|takes (?:from \d+ to )?\d+ positional arguments? but (?P<unnamed>\d+) )"
)
"""Python's error messages about the arguments of a call."""
_QUOTED = re.compile(r"'(\w+)'")
_CONSTRUCTOR = ".__init__"
_BY_POSITION = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)


def call_in_words(
    fault: TypeError, source: bytes, line: int | None, names: Mapping[str, Any], classes: Mapping[str, Any]
) -> str | None:
    """Return an error message for the wrong arguments of a call; None if the error is about something else.

    Args:
        fault: the error that Python raised.
        source: the text of the file.
        line: the line of the file that raised it, if it is known.
        names: the names that are visible at the call, with their values.
        classes: the classes with which a file declares deployments, by name.

    """
    match = _CALL.search(str(fault))
    if match is None:
        return None
    path = match["function"].removesuffix(_CONSTRUCTOR).rpartition("<locals>.")[2]
    is_class = match["function"].endswith(_CONSTRUCTOR)
    called = classes[path] if is_class and path in classes else _called(path, match["unknown"], source, line, names)
    parameters = _parameters(called, has_self="." in path)
    label = path if is_class else "the lambda" if path.endswith("<lambda>") else f"{path.rpartition('.')[2]}()"
    if match["missing"]:
        needed = _QUOTED.sub(r"\1=...", match["missing"])
        return f"{label} needs {needed}"
    if match["twice"]:
        return f"{label} is given {match['twice']} twice, by position and as {match['twice']}=...: leave one out"
    if parameters is None:
        return None
    if match["unnamed"]:
        return _too_many_unnamed(label, parameters, int(match["unnamed"]) - (is_class or "." in path))
    if match["unknown"] in parameters:  # another function of this name raised the error
        return None
    kind = "field" if path in classes else "parameter"
    unknown = _unknown_keywords(path.rpartition(".")[2], source, line, parameters) or [match["unknown"]]
    return "; ".join(f"{label} has no {kind} {name!r}; {near_or_all(name, parameters)}" for name in unknown)


def _called(path: str, keyword: str | None, source: bytes, line: int | None, names: Mapping[str, Any]) -> Any:
    """Return the function or class that an error names, for example `Rows.of`; None if it is not known."""
    steps = path.split(".")
    value = names.get(steps[0])
    for step in steps[1:]:
        value = inspect.getattr_static(value, step, None)
    if value is not None:
        return value
    for call in _calls(source, line):  # a lambda has no name of its own
        if isinstance(call.func, ast.Name) and keyword in {given.arg for given in call.keywords}:
            return names.get(call.func.id)
    return None


def _parameters(called: Any, *, has_self: bool) -> dict[str, Parameter] | None:
    """Return the parameters of a function or class by name.

    The result is None if the function has no readable signature, or accepts any keyword.
    """
    function = getattr(called, "__func__", called)  # of a classmethod or staticmethod
    try:
        parameters = dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return None
    if has_self and not isinstance(called, (type, staticmethod)):
        del parameters[next(iter(parameters), "")]
    if any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values()):
        return None
    return parameters


def _too_many_unnamed(label: str, parameters: Mapping[str, Parameter], given: int) -> str:
    unnamed = [name for name, parameter in parameters.items() if parameter.kind in _BY_POSITION]
    named = [name for name in parameters if name not in unnamed]
    if not unnamed and named:
        return f"{label.removesuffix('()')} takes named arguments only: {label.removesuffix('()')}({named[0]}=...)"
    takes = f"{label} takes {len(unnamed) or 'no'} unnamed arguments" + (f" ({', '.join(unnamed)})" if unnamed else "")
    others = f"name the others: {'=..., '.join(named)}=..." if named else "leave out the others"
    return f"{takes}, not {given}: {others}"


def _unknown_keywords(function: str, source: bytes, line: int | None, parameters: Mapping[str, Parameter]) -> list[str]:
    """Return the keywords in the calls of a function in a line that are not parameters of the function."""
    called = [
        call for call in _calls(source, line) if function in (getattr(call.func, name, None) for name in ("id", "attr"))
    ]
    given = [keyword.arg for call in called for keyword in call.keywords if keyword.arg]
    return list(dict.fromkeys(keyword for keyword in given if keyword not in parameters))


def _calls(source: bytes, line: int | None) -> Iterator[ast.Call]:
    """Yield the calls in a line; all calls of the file if the line is not known."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (line is None or node.lineno <= line <= (node.end_lineno or 0)):
            yield node
