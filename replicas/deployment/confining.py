"""Runs a faulty `deployments.py` a second time, so that an error affects only the entries that cause it.

The statements of the file run one by one. Each `Deployment(...)` and each element of the list DEPLOYMENTS is evaluated
separately. If one of them raises, a `RefusedEntry` replaces it. A name whose assignment raises stays undefined, and the
entries that use this name are refused. Other errors, such as a fault in a loop at the top level, are errors of the
file.
"""

from __future__ import annotations
import __future__

import ast
import copy
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any, Final, NamedTuple

from replicas.deployment.deployment import Deployment
from replicas.deployment.refused import RefusedEntry, refused

LIST: Final = "DEPLOYMENTS"
_ENTRY, _ENTRIES = "__confined_entry__", "__confined_entries__"
_FUTURE = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
_SCOPED = (ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.Await)
"""Expressions that have a different meaning inside a lambda."""
_KNOWN = ("name", "region", "account", "instance_type")
_METHODS = ("append", "extend", "insert")

Hint = tuple[str | None, Callable[[], Any]]
"""An argument of a call, as a pair: its keyword (None for a positional argument or `**`), and a function that evaluates
its value."""
Describe = Callable[[Exception], str]
"""Function that converts an error to an error message with the file and the line."""


class UnconfinedError(Exception):
    """An error that affects the whole file. `cause` is the original error."""

    def __init__(self, cause: Exception) -> None:
        self.cause = cause


def run_confined(source: bytes, path: str, namespace: dict[str, Any], describe: Describe) -> None:
    """Run the file in `namespace`. A `RefusedEntry` replaces each entry that raises an error.

    Raises:
        UnconfinedError: an error cannot be confined to entries.

    """
    tree = ast.parse(source, path)
    flags = compile(tree, path, "exec", dont_inherit=True).co_flags & _FUTURE
    lists = _lists(tree.body)
    lost: dict[str, str] = {}
    namespace[_ENTRY] = _guard(lost, describe)
    namespace[_ENTRIES] = _guard_of_many(namespace[_ENTRY])
    confine = _Confining(_constructors(tree))
    for statement in tree.body:
        _guard_elements(statement, lists)
        confined = ast.fix_missing_locations(confine.visit(statement))
        code: CodeType = compile(ast.Module([confined], []), path, "exec", flags=flags, dont_inherit=True)
        try:
            exec(code, namespace)  # noqa: S102 (the user's own file)
        except Exception as fault:
            names = _bound(statement)
            if not names or lists & set(names):
                raise UnconfinedError(fault) from None
            problem = lost.get(_missing(fault)) or describe(fault)
            lost.update(dict.fromkeys(names, problem))


def _guard(lost: Mapping[str, str], describe: Describe) -> Callable[..., Any]:
    def entry(evaluate: Callable[[], Any], hints: Sequence[Hint], function: Callable[[], Any] | None = None) -> Any:
        try:
            return evaluate()
        except Exception as fault:
            called = _value(function) if function else None
            known = dict(_arguments(hints, called))
            problem = lost.get(_missing(fault)) or describe(fault)
            return refused(problem, known, is_region_known=called is Deployment or "region" in known)

    return entry


def _guard_of_many(guard: Callable[..., Any]) -> Callable[..., Any]:
    def entries(evaluate: Callable[[], Any]) -> Any:
        values = guard(evaluate, ())
        return [values] if isinstance(values, RefusedEntry) else values

    return entries


def _arguments(hints: Sequence[Hint], function: Any) -> Iterator[tuple[str, Any]]:
    """Yield parameter name and value of the arguments of a call. The value is None if it cannot be evaluated."""
    try:
        positions = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        positions = []
    for index, (name, evaluate) in enumerate(hints):
        value = _value(evaluate)
        if name == "**":
            yield from value.items() if isinstance(value, Mapping) else ()
        elif name is not None:
            yield name, value
        elif index < len(positions):
            yield positions[index], value


def _value(evaluate: Callable[[], Any]) -> Any:
    """Return the value of an expression; None if it raises."""
    try:
        return evaluate()
    except Exception:
        return None


def _missing(fault: Exception) -> str:
    """Return the name that a NameError does not find; an empty string for any other error."""
    return str(fault.name or "") if isinstance(fault, NameError) else ""


class _Confining(ast.NodeTransformer):
    """Replaces each `Deployment(...)` by a call that returns a `RefusedEntry` if it raises."""

    def __init__(self, constructors: frozenset[str]) -> None:
        self._constructors = constructors

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Return the class unchanged, because a lambda in the class body cannot see the names of the class."""
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Replace a call of `Deployment` by a guarded call. Calls in its arguments are replaced first."""
        self.generic_visit(node)
        function = node.func
        named = isinstance(function, ast.Name) and function.id in self._constructors
        if named or (isinstance(function, ast.Attribute) and function.attr == "Deployment"):
            return _guarded(node)
        return node


def _constructors(tree: ast.Module) -> frozenset[str]:
    """Return the names under which the file imports the class Deployment."""
    imported = [alias for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names]
    return frozenset({"Deployment"} | {alias.asname or "" for alias in imported if alias.name == "Deployment"})


def _guarded(node: ast.expr) -> ast.expr:
    if any(isinstance(inner, _SCOPED) for inner in ast.walk(node)):
        return node
    hints, function = [], []
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id == _ENTRY):
        positional = [argument for argument in node.args if not isinstance(argument, ast.Starred)]
        hints = [_pair(None, argument) for argument in positional if len(positional) == len(node.args)]
        hints += [
            _pair(keyword.arg or "**", keyword.value)
            for keyword in node.keywords
            if keyword.arg is None or keyword.arg in _KNOWN
        ]
        function = [_lambda(copy.deepcopy(node.func))]
    call = ast.Call(ast.Name(_ENTRY, ast.Load()), [_lambda(node), ast.Tuple(hints, ast.Load()), *function], [])
    return ast.copy_location(call, node)


def _pair(name: str | None, value: ast.expr) -> ast.expr:
    return ast.Tuple([ast.Constant(name), _lambda(copy.deepcopy(value))], ast.Load())


def _lambda(body: ast.expr) -> ast.expr:
    nothing = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
    return ast.copy_location(ast.Lambda(nothing, body), body)


def _lists(statements: Iterable[ast.stmt]) -> set[str]:
    """Return DEPLOYMENTS and the names of the lists from which it is composed."""
    lists = {LIST}
    size = 0
    while size != len(lists):
        size = len(lists)
        for statement in statements:
            for value in _values(statement, lists):
                lists |= {part.id for part in _parts(value) if isinstance(part, ast.Name)}
    return lists


def _values(statement: ast.stmt, lists: set[str]) -> list[ast.expr]:
    """Return the expressions with which a statement sets or extends one of the lists."""
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign) and lists & set(_targets(statement)):
        return [statement.value] if statement.value else []
    call = _growing(statement, lists)
    if call is None:
        return []
    return [call.arguments[-1] if call.method == "extend" else ast.List([call.arguments[-1]], ast.Load())]


class _Growing(NamedTuple):
    """A statement `LIST.append(...)`, `LIST.extend(...)` or `LIST.insert(...)`."""

    method: str
    arguments: list[ast.expr]


def _growing(statement: ast.stmt, lists: set[str]) -> _Growing | None:
    call = statement.value if isinstance(statement, ast.Expr) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in _METHODS and call.args:
        owner = call.func.value
        if isinstance(owner, ast.Name) and owner.id in lists:
            return _Growing(call.func.attr, call.args)
    return None


def _parts(value: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions of the lists from which a list is composed: A and B for `[*A] + B`."""
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        yield from _parts(value.left)
        yield from _parts(value.right)
    else:
        yield value
        for element in value.elts if isinstance(value, ast.List | ast.Tuple) else ():
            if isinstance(element, ast.Starred):
                yield from _parts(element.value)


def _guard_elements(statement: ast.stmt, lists: set[str]) -> None:
    for value in _values(statement, lists):
        for part in _parts(value):
            if isinstance(part, ast.List | ast.Tuple):
                part.elts = [_guarded_element(element) for element in part.elts]
            elif isinstance(part, ast.ListComp | ast.GeneratorExp):
                part.elt = _guarded(part.elt)
    call = _growing(statement, lists)
    if call and call.method != "extend":
        call.arguments[-1] = _guarded(call.arguments[-1])


def _guarded_element(element: ast.expr) -> ast.expr:
    if not isinstance(element, ast.Starred):
        return _guarded(element)
    if isinstance(element.value, ast.Name):
        call = ast.Call(ast.Name(_ENTRIES, ast.Load()), [_lambda(element.value)], [])
        element.value = ast.copy_location(call, element.value)
    return element


def _targets(statement: ast.stmt) -> list[str]:
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
        targets = [statement.target]
    flat = [part for target in targets for part in (target.elts if isinstance(target, ast.Tuple) else [target])]
    return [target.id if isinstance(target, ast.Name) else "" for target in flat]


def _bound(statement: ast.stmt) -> list[str]:
    """Return the names that a statement binds.

    The result is empty unless the statement is an import, a definition or an assignment to names.
    """
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in statement.names]
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    names = [] if isinstance(statement, ast.AugAssign) else _targets(statement)
    return names if all(names) else []
