"""Runs a module of the folder `engine` in the engine's environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]


def inside(python: Path, module: str, lines: IO[str], packages: Path | None = None) -> Iterator[dict[str, Any]]:
    """Run a module that answers each JSON line of its input with a JSON line.

    `packages` is a folder with additional Python packages. The module's stderr goes to a log file next to the
    environment. If the module fails, the error names this file.

    Raises:
        SystemExit: the process failed.

    """
    log = python.parent.parent / f"{module}.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            ["nice", python, "-m", f"scripts.oracle.engine.{module}"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(packages)} if packages else None,
            stdin=lines,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        assert process.stdout  # noqa: S101 (it is a pipe)
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"{module} ended with code {process.returncode}: see {log}")
