"""Synthesise the examples of the construct library with the oldest and newest supported versions.

    python -m scripts.compat [oldest | newest]

The wheel is installed in new environments: the oldest and the newest aws-cdk-lib that pyproject.toml allows, each with
the oldest supported Python, and the newest aws-cdk-lib with the newest Python that can be installed. Each environment
synthesises docs/examples/app.py and every program of docs/constructs.md, without an AWS account.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from scripts.guide import programs
from scripts.package import (
    EXAMPLE,
    RESOLUTIONS,
    TOOLS,
    Environment,
    PackageError,
    build,
    expect,
    install,
    resolutions_of,
    say,
)

PYTHONS = ("3.11", "3.12", "3.13", "3.14")
"""Versions of Python to try, from the oldest that pyproject.toml allows to the newest that is published."""

RUN_ALL = """\
import shutil
from pathlib import Path

for path in sorted(Path("programs").glob("*.py")):
    namespace = {"__name__": path.stem}
    exec(compile(path.read_text(), str(path), "exec"), namespace)
    for name, value in list(namespace.items()):
        if name.startswith("test_"):
            value()
    made = 0
    if "app" in namespace:
        folder = Path(namespace["app"].outdir)
        made = len(list(folder.rglob("*.template.json")))
        shutil.rmtree(folder)
    print(path.stem, made)
"""
"""Script that runs every program in one process, and prints each name with its number of templates."""


def main(arguments: Sequence[str]) -> None:
    """Try the versions that `arguments` name. Default: all."""
    names = resolutions_of("compat", arguments)
    try:
        wheels = build()
        with tempfile.TemporaryDirectory(prefix="compat-") as folder:
            for resolution, python in combinations(names, Path(folder)):
                environment = Environment(Path(folder, f"{resolution}-{python}"), python=interpreter(python))
                install(environment, wheels, RESOLUTIONS[resolution])
                synthesise(environment)
    except PackageError as fault:
        sys.exit(str(fault))


def combinations(resolutions: Sequence[str], folder: Path) -> Iterator[tuple[str, str]]:
    """Yield pairs of resolution (oldest or newest) and Python version. Print the versions that cannot be installed."""
    oldest = PYTHONS[0]
    yield from ((resolution, oldest) for resolution in resolutions)
    if "newest" not in resolutions:
        return
    for python in reversed(PYTHONS[1:]):
        if installs(python, folder):
            yield "newest", python
            return
        say(f"Python {python}: skipped, because it cannot be installed on this computer")


def installs(python: str, folder: Path) -> bool:
    """Return whether uv can find or install a version of Python."""
    command: list[str | Path] = [TOOLS / "uv", "venv", "--quiet", "--python", python, folder / f"probe-{python}"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def interpreter(python: str) -> str:
    """Return the path of the running Python if it has this version.

    Otherwise return the version, for which uv finds an interpreter.
    """
    return sys.executable if python == f"{sys.version_info.major}.{sys.version_info.minor}" else python


def synthesise(environment: Environment) -> None:
    """Run every example in an environment, and check that each example except the tests has a template."""
    folder = environment.folder / "programs"
    folder.mkdir()
    examples = {"app": EXAMPLE.read_text(), **programs()}
    for name, program in examples.items():
        (folder / f"{name}.py").write_text(program)
    (environment.folder / "run_all.py").write_text(RUN_ALL)
    counts = dict(line.split() for line in environment.run("python", "run_all.py").splitlines())
    synthesised = {name for name, count in counts.items() if int(count)}
    expect(counts.keys() == examples.keys(), "every example ran", counts)
    expect(synthesised == examples.keys() - {"tests"}, "every example except `tests` has a template", counts)
    python = environment.run("python", "-c", "import platform; print(platform.python_version())").strip()
    cdk = environment.version("aws-cdk-lib").strip()
    say(f"aws-cdk-lib {cdk}, Python {python}: {len(examples)} examples synthesised")


if __name__ == "__main__":
    main(sys.argv[1:])
