"""Generates mutations. Each changes one place of a module so that a value in a template becomes wrong."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.Div: "*",
    ast.FloorDiv: "*",
}
_ITSELF = "<itself>"
"""Placeholder for the changed text."""


@dataclass(frozen=True)
class Mutation:
    """One mutation of one file."""

    path: Path
    line: int
    kind: str
    start: int
    """Position of the changed text in the file, in characters."""
    end: int
    replaced: str
    """The original text, on one line."""
    text: str
    """The text that replaces the original text."""
    statement: str
    """The text of the line. It is a part of the name, which identifies the mutation in the list of survivors."""
    function: str
    """Qualified name of the function that contains the mutation; empty for code that runs at import."""

    @property
    def name(self) -> str:
        """Name that does not change if lines are added or removed above the mutation."""
        return f"{self.path.name}: {self.function}: {self.kind}: {self.replaced} -> {self.text}: {self.statement}"

    def applied(self, source: str) -> str:
        """Return the source with the mutation applied."""
        return source[: self.start] + self.text + source[self.end :]


def mutations_of(path: Path) -> list[Mutation]:
    """Return all mutations of a module, in the order of their positions."""
    source = path.read_text()
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return sorted(finder.found, key=lambda mutation: (mutation.start, mutation.kind))


class _Finder(ast.NodeVisitor):
    def __init__(self, path: Path, source: str) -> None:
        self._path = path
        self._source = source
        self._lines = source.splitlines()
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        self._functions: list[str] = []
        self._scopes: list[str] = []
        self.found: list[Mutation] = []

    def visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert):
            return  # other tests cover imports and error messages
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return  # imports that only type checkers read
        for kind, text in _changes(node):
            self._add(node, kind, text.replace(_ITSELF, self._text(node)))
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARISONS:
            left, right = map(self._text, (node.left, node.comparators[0]))
            self._add(node, "comparison", f"({left} {_COMPARISONS[type(node.ops[0])]} {right})")
        if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
            left, right = map(self._text, (node.left, node.right))
            self._add(node, "arithmetic", f"({left} {_ARITHMETIC[type(node.op)]} {right})")
        if isinstance(node, ast.BoolOp):
            word = " or " if isinstance(node.op, ast.And) else " and "
            self._add(node, "and, or", f"({word.join(map(self._text, node.values))})")
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._add(node, "not", f"bool({self._text(node.operand)})")
        if isinstance(node, ast.If | ast.IfExp):
            self._add(node.test, "condition", f"not ({self._text(node.test)})")
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Name | ast.Attribute | ast.Call):
            self._add(node.value, "nothing given", "None")
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            self._visit_scope(node)
        else:
            for child in self._children(node):
                self.visit(child)

    def _visit_scope(self, node: ast.FunctionDef | ast.ClassDef) -> None:
        """Visit the defaults of a function in the outer scope, then the body of the function or class."""
        if isinstance(node, ast.FunctionDef):
            self.visit(node.args)
        name = ".".join([*self._scopes, node.name])
        is_function = isinstance(node, ast.FunctionDef)
        self._scopes += [node.name, "<locals>"] if is_function else [node.name]
        self._functions += [name] if is_function else []
        for child in self._children(node):
            self.visit(child)
        del self._scopes[-2 if is_function else -1 :]
        del self._functions[-1 if is_function else len(self._functions) :]

    def _children(self, node: ast.AST) -> Iterator[ast.AST]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            yield from (part for part in body if not _is_text(part))
        elif isinstance(node, ast.Module):
            yield from (part for part in node.body if not _is_text(part))
        elif isinstance(node, ast.AnnAssign):
            yield from (node.value,) if node.value is not None else ()  # types are judged by mypy
        elif isinstance(node, ast.arguments):
            yield from (default for default in (*node.defaults, *node.kw_defaults) if default is not None)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "cast":
            yield from node.args[1:]  # the type has no effect
        elif not isinstance(node, ast.JoinedStr):
            yield from ast.iter_child_nodes(node)

    def _text(self, node: ast.AST) -> str:
        return ast.get_source_segment(self._source, node) or ""

    def _add(self, node: ast.AST, kind: str, text: str) -> None:
        start, end = self._offset(node.lineno, node.col_offset), self._offset(node.end_lineno, node.end_col_offset)  # type: ignore[attr-defined]
        line: int = node.lineno  # type: ignore[attr-defined]
        replaced = " ".join(self._source[start:end].split())
        statement, function = self._lines[line - 1].strip(), self._functions[-1] if self._functions else ""
        self.found.append(Mutation(self._path, line, kind, start, end, replaced, text, statement, function))

    def _offset(self, line: int, column: int) -> int:
        """Return the character offset of a position whose column is in bytes."""
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())


def _changes(node: ast.AST) -> Iterator[tuple[str, str]]:
    match node:
        case ast.Constant(value=bool() as value):
            yield "switch", str(not value)
        case ast.Constant(value=int() | float() as value):
            yield "number", repr(value + 1)
        case ast.Constant(value=str() as value) if value:
            yield "text", repr(f"{value}X")
        case ast.JoinedStr() if not any(" " in part for part in _texts(node)):
            yield "text", f"({_ITSELF} + 'X')"
        case ast.Expr(value=ast.Call()):
            yield "call left out", "None"
        case ast.Return(value=ast.Constant(value=None)) | ast.Return(value=None):
            return
        case ast.Return():
            yield "nothing returned", "return None"


def _texts(node: ast.JoinedStr) -> Iterator[str]:
    """Yield the literal segments of an f-string. Segments without a space are parts of ARNs, ids and names."""
    for part in node.values:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield part.value


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
