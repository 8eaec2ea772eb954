"""The rooms of the code as a table, and their imports as a Mermaid diagram, both read from the code.

The diagram leaves out arrows that follow from others, and modules outside of rooms, which any room may import.
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
"""Rooms whose names `from replicas import ...` loads on first use."""

Edges = Mapping[str, set[str]]


def picture() -> str:
    """Return a Mermaid block. An arrow leads from a room to a room that it imports."""
    against = exceptions()
    along = {room: {other for other in others if (room, other) not in against} for room, others in imports().items()}
    arrows = sorted((room, other) for room, others in reduced(along).items() for other in others)
    solid = [f"    {room} --> {other}" for room, other in arrows]
    dotted = [f"    {room} -.-> {other}" for room, other in sorted(against)]
    return "\n".join(["```mermaid", "flowchart TD", *solid, *dotted, "```"])


def exceptions() -> set[tuple[str, str]]:
    """Return the imports against the order of rooms that the first contract of pyproject.toml allows."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    pairs = [entry.split(" -> ") for entry in contracts[0].get("ignore_imports", ())]
    rooms = {(room_of(importer), room_of(imported)) for importer, imported in pairs}
    return {(importer, imported) for importer, imported in rooms if importer and imported}


def table() -> str:
    """Return a Markdown table of the rooms of `replicas`, each with the first sentences of its docstring."""
    folders = sorted(path.parent for path in (ROOT / "replicas").glob("*/__init__.py"))
    rows = [f"| `{folder.name}` | {_about(folder / '__init__.py')} |" for folder in folders]
    return "\n".join(["| room | what it is |", "|---|---|", *rows])


def _about(module: Path) -> str:
    return (ast.get_docstring(ast.parse(module.read_text())) or "").partition("\n\n")[0].replace("\n", " ")


def imports() -> Edges:
    """Return the rooms that each room imports, without imports for type checking."""
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
    """Return the room of a module; None for a module outside of rooms, which any room may import."""
    package, *rest = module.split(".")
    if package != "replicas":
        return package
    return rest[0] if rest and (ROOT / package / rest[0]).is_dir() else None


def reduced(edges: Edges) -> Edges:
    """Remove each edge that a path of at least two edges replaces, unless a cycle is on that path."""
    return {
        room: {other for other in others if not any(other in _reachable(edges, via, room) for via in others - {other})}
        for room, others in edges.items()
    }


def _reachable(edges: Edges, start: str, without: str) -> set[str]:
    """Return the rooms that are reachable from `start` on paths that avoid the room `without`."""
    return set(_walk(edges, start, {without, start}))


def _walk(edges: Edges, room: str, seen: set[str]) -> Iterator[str]:
    for other in edges.get(room, set()) - seen:
        if other not in seen:
            seen.add(other)
            yield other
            yield from _walk(edges, other, seen)
