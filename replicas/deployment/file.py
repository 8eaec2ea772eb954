"""Read `deployments.py`, the file that a user edits, and report its faults without a traceback."""

from __future__ import annotations

import difflib
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from replicas.deployment.confining import LIST, UnconfinedError, run_confined
from replicas.deployment.deployment import Deployment, faults
from replicas.deployment.listed import line_of_field, lines_of_entries, no_list, wrong_entry
from replicas.deployment.mistakes import in_words
from replicas.deployment.refused import RefusedEntry, refused
from replicas.deployment.syntax import syntax_in_words
from replicas.errors import CatalogueError, SizingError, without_tokens

FILE = Path("deployments.py")
EMPTY = f"{LIST} is empty: nothing is deployed; add a Deployment(...) to the list in {FILE}"
"""Error message for a file that lists no deployment."""
Entry = Deployment | RefusedEntry


class _UncachedLoader(SourceFileLoader):
    """Loader that compiles the file at every load.

    Python's bytecode cache compares the time of a change in whole seconds and the size of the file. It would not notice
    an edit within one second that keeps the size.
    """

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (the loader's interface)
        """Return the code of the file as it is now."""
        return self.source_to_code(self.get_data(self.path), self.path)


def read_entries(path: Path = FILE) -> list[Entry]:
    """Return the entries of a file's `DEPLOYMENTS`, in the order of the list.

    A faulty entry is returned as a `RefusedEntry`.

    Raises:
        CatalogueError: the file does not exist, is not Python, or has a fault that concerns the whole file. The message
            names the line.

    """
    if not path.is_file():
        raise CatalogueError(f"no {path} in {Path.cwd()}: run the command in the folder that contains it")
    if path.suffix != ".py":
        raise CatalogueError(f"{path} is not a Python file")
    names = _run(path)
    declared = names.get(LIST)
    if not isinstance(declared, (list, tuple)):
        raise CatalogueError(f"{path}: {no_list(names)}")
    places = _Places(path, len(declared))
    entries = {number: _entry(places, number, value) for number, value in enumerate(declared)}
    return _without_repeated_names(places, entries)


def load_catalogue(path: Path = FILE) -> list[Deployment]:
    """Return the deployments of a file's `DEPLOYMENTS`, in the order of the list.

    Raises:
        CatalogueError: the file or one of its entries is faulty. The message names the line.

    """
    entries = read_entries(path)
    problems = dict.fromkeys(entry.problem for entry in entries if isinstance(entry, RefusedEntry))
    if problems:
        raise CatalogueError("\n".join(problems))
    return [entry for entry in entries if isinstance(entry, Deployment)]


def find_deployment(name: str, path: Path = FILE) -> Deployment:
    """Return one deployment of the file, even if other entries are faulty.

    Raises:
        CatalogueError: the entry is faulty, or the file has no such deployment. The message lists similar names.

    """
    entries = read_entries(path)
    catalogue = {str(entry.name): entry for entry in entries}
    entry = catalogue.get(name)
    if isinstance(entry, Deployment):
        return entry
    refusals = [entry] if entry else [other for other in entries if other.name is None]
    if refusals:
        raise CatalogueError("\n".join(refusal.problem for refusal in refusals if isinstance(refusal, RefusedEntry)))
    near = difflib.get_close_matches(name, catalogue, n=3, cutoff=0.4)
    hint = f"; near: {', '.join(near)}" if near else f"; it has: {', '.join(catalogue)}"
    raise CatalogueError(f"{path} has no deployment {name!r}{hint}")


def with_lines(refusal: SizingError, deployment: Deployment, path: Path = FILE) -> SizingError:
    """Return a refusal in which each problem with the value of a field names the line of the value in the file."""
    if not path.is_file():
        return refusal
    source = path.read_bytes()
    lines = {
        without_tokens(fault.sentence): line_of_field(source, deployment, fault.place) for fault in faults(deployment)
    }
    places = [f"{path}, line {line}: " if (line := lines.get(problem)) else "" for problem in refusal.problems]
    problems = [f"{place}{problem}" for place, problem in zip(places, refusal.problems, strict=True)]
    return SizingError(refusal.subject, problems, refusal.components)


def _run(path: Path) -> dict[str, Any]:
    """Run the file and return its names. If it raises, run it again with errors limited to entries."""
    loader = _UncachedLoader("deployments", str(path.resolve()))
    module = _module(loader)
    try:
        loader.exec_module(module)
    except Exception as fault:  # a user's file can raise any exception; the message names the line
        original = CatalogueError(_described(fault, path))
        if isinstance(fault, SyntaxError):
            raise original from None
        module = _module(loader)
        try:
            run_confined(path.read_bytes(), loader.path, vars(module), lambda inner: _described(inner, path))
        except UnconfinedError:
            raise original from None
        if not _is_confined(vars(module).get(LIST)):
            raise original from None
    return vars(module)


def _is_confined(declared: Any) -> bool:
    """Return whether the fault is limited to entries, and at least one entry could be read."""
    entries = declared if isinstance(declared, (list, tuple)) else ()
    refusals = [entry for entry in entries if isinstance(entry, RefusedEntry)]
    return bool(refusals) and any(getattr(entry, "name", None) for entry in entries)


def _module(loader: SourceFileLoader) -> ModuleType:
    module = ModuleType("deployments")
    module.__file__ = loader.path
    return module


class _Places:
    """Places of the entries in a file, for messages: the file is parsed when the first message needs a line."""

    def __init__(self, path: Path, entries: int) -> None:
        self._path, self._entries = path, entries

    def of(self, *numbers: int) -> str:
        """Return the beginning of a message: the name of the file and, if they are known, the lines of the entries."""
        lines = list(dict.fromkeys(str(self._lines[number]) for number in numbers if self._lines))
        return f"{self._path}, line{'s'[: len(lines) > 1]} {' and '.join(lines)}" if lines else f"{self._path}"

    @cached_property
    def _lines(self) -> Sequence[int]:
        """Line of each entry; empty if the list is not written entry by entry."""
        lines = lines_of_entries(self._path.read_bytes())
        return lines if len(lines) == self._entries else ()


def _entry(places: _Places, number: int, value: Any) -> Entry:
    if isinstance(value, Deployment):
        return value
    if isinstance(value, RefusedEntry):
        return replace(value, position=number + 1)
    problem = f"{places.of(number)}: {wrong_entry(value)}"
    return replace(refused(problem, {}, is_region_known=False), position=number + 1)


def _without_repeated_names(places: _Places, entries: Mapping[Any, Entry]) -> list[Entry]:
    """Refuse entries whose name or endpoint name another entry also has; keep one refusal per name."""
    for field, what in (("name", "named"), ("endpoint_name", "given the endpoint_name")):
        # Some file systems ignore case, and stack names that differ only by case are easily confused.
        names = {number: str(getattr(entry, field, None) or "").lower() for number, entry in entries.items()}
        numbers: dict[str, list[Any]] = {}
        for number, name in names.items():
            numbers.setdefault(name, []).append(number)
        kept: dict[Any, Entry] = {}
        for number, entry in entries.items():
            name = names[number]
            if name and len(numbers[name]) > 1:
                place = places.of(*numbers[name])
                problem = f"{place}: several deployments are {what} {name!r}; each name must be unique"
                kept[str(entry.name)] = refused(problem, vars(entry))
            else:
                kept[number] = entry
        entries = kept
    return list(entries.values())


def _described(fault: Exception, path: Path) -> str:
    line = _line(fault, path)
    if isinstance(fault, SyntaxError):
        return f"{path}, line {line or '?'}: {syntax_in_words(fault)}"
    return f"{path}, line {line or '?'}: {in_words(fault, path.read_bytes(), line)}"


def _line(fault: Exception, path: Path) -> int | None:
    if isinstance(fault, SyntaxError) and fault.lineno:
        return fault.lineno
    frames = traceback.extract_tb(fault.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == path.resolve()]
    return lines[-1] if lines else None
