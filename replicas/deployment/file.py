"""Read `deployments.py`, the file that a user edits, and report its faults without a traceback."""

from __future__ import annotations

import difflib
import traceback
from collections import Counter
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from replicas.deployment.deployment import Deployment
from replicas.errors import CatalogueError

FILE = Path("deployments.py")


class _UncachedLoader(SourceFileLoader):
    """Loader that compiles the file at every load.

    Python's bytecode cache compares the time of a change in whole seconds and the size of the file. An edit within one
    second that keeps the size would go unseen.
    """

    def get_code(self, fullname: str) -> CodeType:  # noqa: ARG002 (the loader's interface)
        """Return the code of the file as it is now."""
        return self.source_to_code(self.get_data(self.path), self.path)


def load_catalogue(path: Path = FILE) -> list[Deployment]:
    """Return the deployments of a file's `DEPLOYMENTS`, in the order of the list.

    Raises:
        CatalogueError: the file does not exist, raises an error (the message has the line), or lists an object that is
            not a deployment.

    """
    if not path.is_file():
        raise CatalogueError(f"no {path} in {Path.cwd()}: run this in the folder that holds it")
    if path.suffix != ".py":
        raise CatalogueError(f"{path} is not a Python file")
    loader = _UncachedLoader("deployments", str(path.resolve()))
    module = ModuleType("deployments")
    module.__file__ = loader.path
    try:
        loader.exec_module(module)
    except Exception as fault:  # a user's file can raise anything; the message names the line
        raise CatalogueError(f"{path}, line {_line(fault, path)}: {type(fault).__name__}: {fault}") from None
    deployments = getattr(module, "DEPLOYMENTS", None)
    if not isinstance(deployments, (list, tuple)):
        raise CatalogueError(f"{path} defines no list DEPLOYMENTS")
    strangers = [entry for entry in deployments if not isinstance(entry, Deployment)]
    if strangers:
        raise CatalogueError(
            f"{path}: DEPLOYMENTS holds a {type(strangers[0]).__name__}; it takes Deployment(...) only"
        )
    for what, names in (
        ("named", [entry.name for entry in deployments]),
        ("given the endpoint_name", [entry.endpoint_name for entry in deployments if entry.endpoint_name]),
    ):
        # Some file systems ignore case, and stack names that differ only by case are easily confused.
        twice = [name for name, times in Counter(str(name).lower() for name in names).items() if times > 1]
        if twice:
            raise CatalogueError(f"{path}: several deployments are {what} {', '.join(map(repr, twice))}; it is for one")
    return list(deployments)


def find_deployment(name: str, path: Path = FILE) -> Deployment:
    """Return one deployment of the file. Raises `CatalogueError` with the nearest names."""
    catalogue = {deployment.name: deployment for deployment in load_catalogue(path)}
    if name not in catalogue:
        near = difflib.get_close_matches(name, catalogue, n=3, cutoff=0.4)
        hint = f"; near: {', '.join(near)}" if near else f"; there are: {', '.join(catalogue)}"
        raise CatalogueError(f"{path} has no deployment {name!r}{hint}")
    return catalogue[name]


def _line(fault: Exception, path: Path) -> int | str:
    if isinstance(fault, SyntaxError) and fault.lineno:
        return fault.lineno
    frames = traceback.extract_tb(fault.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename) == path.resolve()]
    return lines[-1] if lines and lines[-1] else "?"
