"""Generates a table of the top-level packages ("rooms") of `replicas`, and a Mermaid diagram of their imports.

The diagram omits arrows that follow from other arrows, and modules that are not in a package.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import grimp

import replicas

ROOT = Path(__file__).parents[1]
PACKAGES = ("replicas", "replicas_cdk", "stacks", "embedded_aws")
_PUBLIC = {home.split(".")[0] for home in replicas._HOMES} - {"errors"}
"""Packages whose names `from replicas import ...` loads on first use."""

Edges = Mapping[str, set[str]]


def picture() -> str:
    """Return a Mermaid diagram. An arrow leads from a package to a package that it imports."""
    against = exceptions()
    along = {room: {other for other in others if (room, other) not in against} for room, others in imports().items()}
    arrows = sorted((room, other) for room, others in reduced(along).items() for other in others)
    solid = [f"    {room} --> {other}" for room, other in arrows]
    dotted = [f"    {room} -.-> {other}" for room, other in sorted(against)]
    return "\n".join(["```mermaid", "flowchart TD", *solid, *dotted, "```"])


def exceptions() -> set[tuple[str, str]]:
    """Return the imports against the layer order that the first contract of pyproject.toml allows.

    An entry is a pair of packages: the importing one and the imported one.
    """
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    pairs = [entry.split(" -> ") for entry in contracts[0].get("ignore_imports", ())]
    rooms = {(room_of(importer), room_of(imported)) for importer, imported in pairs}
    return {(importer, imported) for importer, imported in rooms if importer and imported}


def table() -> str:
    """Return a Markdown table of the packages of `replicas`, with the first sentences of their docstrings."""
    folders = sorted(path.parent for path in (ROOT / "replicas").glob("*/__init__.py"))
    rows = [f"| `{folder.name}` | {_about(folder / '__init__.py')} |" for folder in folders]
    return "\n".join(["| room | what it is |", "|---|---|", *rows])


def _about(module: Path) -> str:
    return (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n\n")[0].replace("\n", " ")


def imports() -> Edges:
    """Return the packages that each package imports, without imports for type checking."""
    graph = grimp.build_graph(*PACKAGES, exclude_type_checking_imports=True)
    rooms: dict[str, set[str]] = {}
    for module in graph.modules:
        room = room_of(module)
        if room is None:
            continue
        imported = graph.find_modules_directly_imported_by(module)
        others = {room_of(other) for other in imported} | (_PUBLIC if "replicas" in imported else set())
        rooms.setdefault(room, set()).update(other for other in others if other not in (None, room))
    return rooms


def room_of(module: str) -> str | None:
    """Return the top-level package of a module; None for a module that is not in a package."""
    package, *rest = module.split(".")
    if package != "replicas":
        return package
    return rest[0] if rest and (ROOT / package / rest[0]).is_dir() else None


def reduced(edges: Edges) -> Edges:
    """Remove each edge that a longer path replaces. A path that passes through its own start does not count."""
    return {
        room: {other for other in others if not any(other in _reachable(edges, via, room) for via in others - {other})}
        for room, others in edges.items()
    }


def _reachable(edges: Edges, start: str, without: str) -> set[str]:
    """Return the packages that are reachable from `start` without passing through `without`."""
    return set(_walk(edges, start, {without, start}))


def _walk(edges: Edges, room: str, seen: set[str]) -> Iterator[str]:
    for other in edges.get(room, set()) - seen:
        if other not in seen:
            seen.add(other)
            yield other
            yield from _walk(edges, other, seen)
