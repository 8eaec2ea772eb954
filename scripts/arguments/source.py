"""Reads the source of a package without running it: names, lists of constants, and type annotations."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Hints:
    """Type hint of a field: its parts, without unions, aliases and annotations."""

    names: frozenset[str]
    """Names of the types, for example `int`, `None` or `dict`; `dataclass` for a class with fields."""
    literals: tuple[str, ...] = ()
    """The values of a `Literal`."""


@dataclass
class Module:
    """One module of the package, with the statements at its top level."""

    name: str
    tree: ast.Module
    is_package: bool
    assigned: dict[str, ast.expr] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    imported: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Collect the names that the module defines or imports."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ImportFrom):
                self._import(node)
        for node in _statements(self.tree.body):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.assigned.setdefault(node.targets[0].id, node.value)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
                self.assigned.setdefault(node.target.id, node.value)
            elif isinstance(node, ast.ClassDef):
                self.classes[node.name] = node

    def _import(self, node: ast.ImportFrom) -> None:
        package = self.name.split(".") if self.is_package else self.name.split(".")[:-1]
        base = package[: len(package) - node.level + 1] if node.level else []
        source = ".".join([*base, *([node.module] if node.module else [])])
        for alias in node.names:
            self.imported[alias.asname or alias.name] = (source, alias.name)


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        if isinstance(node, ast.If | ast.Try):
            yield from _statements([*node.body, *node.orelse])
        else:
            yield node


class Source:
    """The source of one version of a package."""

    def __init__(self, folder: Path) -> None:
        """Open the folder into which the wheel was unpacked."""
        self.folder = folder
        self._modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """Return a module by its dotted name; None if the package has none of this name."""
        if name not in self._modules:
            path = self.folder / name.replace(".", "/")
            file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            is_there = file.is_file()
            self._modules[name] = (
                Module(name, ast.parse(file.read_text(encoding="utf-8")), path.is_dir()) if is_there else None
            )
        return self._modules[name]

    def files(self, folder: str) -> Iterator[ast.Module]:
        """Yield every module of a folder of the package, as a tree."""
        for path in sorted((self.folder / folder).rglob("*.py")):
            yield ast.parse(path.read_text(encoding="utf-8"))

    def find(self, module: Module, name: str, depth: int = 0) -> tuple[Module, ast.expr | ast.ClassDef] | None:
        """Return the definition of a name in a module or where the module imports it from; None if it is outside."""
        if name in module.classes:
            return module, module.classes[name]
        if name in module.assigned:
            return module, module.assigned[name]
        if name in module.imported and depth < 9:
            source, original = module.imported[name]
            other = self.module(source)
            return self.find(other, original, depth + 1) if other else None
        return None

    def fields(self, module: Module, name: str) -> dict[str, tuple[Module, ast.expr]]:
        """Return the annotated fields of a class and its bases in the package, each with its module."""
        home, definition = self.find(module, name) or (module, None)
        if not isinstance(definition, ast.ClassDef):
            return {}
        fields: dict[str, tuple[Module, ast.expr]] = {}
        for base in reversed(definition.bases):
            if isinstance(base, ast.Name):
                fields |= self.fields(home, base.id)
        for node in definition.body:
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                fields[node.target.id] = (home, node.annotation)
        return fields

    def texts(self, module: Module, node: ast.expr) -> list[str] | None:
        """Return the texts of a list, also of `CONSTANT`, `list(X)`, `X.keys()` and sums of lists; None for others."""
        match node:
            case ast.List() | ast.Tuple() | ast.Set():
                parts = [self._items(module, each) for each in node.elts]
                return None if None in parts else [text for part in parts if part for text in part]
            case ast.Dict():
                parts = [self._items(module, key) if key else None for key in node.keys]
                return None if None in parts else [text for part in parts if part for text in part]
            case ast.BinOp(op=ast.Add()):
                left, right = self.texts(module, node.left), self.texts(module, node.right)
                return None if left is None or right is None else [*left, *right]
            case ast.Call(func=ast.Name(id="list" | "sorted" | "get_args" | "tuple"), args=[inner]):
                return self.texts(module, inner)
            case ast.Call(func=ast.Attribute(value=inner, attr="keys"), args=[]):
                return self.texts(module, inner)
            case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
                return self.texts(module, inner if isinstance(inner, ast.Tuple) else ast.Tuple([inner]))
            case ast.Name() | ast.Attribute():
                found = self._definition(module, node)
                return self.texts(*found) if found else None
        return None

    def _items(self, module: Module, node: ast.expr) -> list[str] | None:
        if isinstance(node, ast.Starred):
            return self.texts(module, node.value)
        return [str(node.value)] if isinstance(node, ast.Constant) else None

    def _definition(self, module: Module, node: ast.expr) -> tuple[Module, ast.expr] | None:
        if isinstance(node, ast.Name):
            found = self.find(module, node.id)
            return (found[0], found[1]) if found and isinstance(found[1], ast.expr) else None
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = self.find(module, node.value.id)
            if owner and isinstance(owner[1], ast.ClassDef):
                for each in owner[1].body:
                    match each:
                        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name == node.attr:
                            return owner[0], value
                        case ast.Assign(targets=[ast.Name(id=name)], value=value) if name == node.attr:
                            return owner[0], value
        return None

    def hints(self, module: Module, node: ast.expr, depth: int = 0) -> Hints:
        """Return the type hints of an annotation."""
        match node:
            case ast.Constant(value=None):
                return Hints(frozenset({"None"}))
            case ast.Constant(value=str() as text):
                return self.hints(module, ast.parse(text, mode="eval").body, depth)
            case ast.BinOp(left=left, right=right, op=ast.BitOr()):
                return _joined(self.hints(module, left, depth), self.hints(module, right, depth))
            case ast.Subscript(value=ast.Name(id=name), slice=inner):
                return self._subscript(module, name, inner, depth)
            case ast.Name(id=name):
                return self._named(module, name, depth)
        return Hints(frozenset({"other"}))

    def _subscript(self, module: Module, name: str, inner: ast.expr, depth: int) -> Hints:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if name == "Literal":
            literals = self._literals(module, parts, depth)
            return Hints(frozenset({"Literal"}), literals) if literals else Hints(frozenset({"other"}))
        if name == "Optional":
            return _joined(self.hints(module, parts[0], depth), Hints(frozenset({"None"})))
        if name == "Union":
            return _joined(*(self.hints(module, part, depth) for part in parts))
        if name in ("Annotated", "A", "SkipValidation"):
            return self.hints(module, parts[0], depth)
        return Hints(frozenset({name.lower() if name.lower() in _BUILTINS else "other"}))

    def _literals(self, module: Module, parts: list[ast.expr], depth: int) -> tuple[str, ...]:
        """Return the values of a `Literal`; empty if one of them is not known."""
        values: list[str] = []
        for part in parts:
            if isinstance(part, ast.Constant):
                values.append(str(part.value))
                continue
            inner = self.hints(module, part, depth + 1)
            if inner.names != {"Literal"}:
                return ()
            values += inner.literals
        return tuple(values)

    def _named(self, module: Module, name: str, depth: int) -> Hints:
        if name in _BUILTINS:
            return Hints(frozenset({name}))
        found = self.find(module, name)
        if found is None or depth > 9:
            return Hints(frozenset({"other"}))
        home, definition = found
        if isinstance(definition, ast.ClassDef):
            return Hints(frozenset({"dataclass" if definition.decorator_list else "other"}))
        return self.hints(home, definition, depth + 1)


_BUILTINS = ("bool", "int", "float", "str", "dict", "list", "tuple", "set", "type")


def _joined(*parts: Hints) -> Hints:
    names = frozenset(name for part in parts for name in part.names)
    return Hints(names, tuple(text for part in parts for text in part.literals))
