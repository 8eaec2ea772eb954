"""`make mutants`: changes of the construct library, drawn by a seed, against its tests.

A change that no test notices is a survivor. Those that change nothing that can be seen are listed with the reason in
`survivors.json`. Results are kept in `.mutants/`, so that a run that was interrupted goes on where it ended; they hold
for one state of the sources and tests.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scripts.mutants.mutations import Mutation, mutations_of

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path("constructs/replicas_cdk")
TESTS = (("tests/constructs",), ("tests/stacks",))
"""Folders of tests, in the order in which they are tried: the fastest first."""
LEAST_KILLED = 0.95
_LONGEST_SECONDS = 900
_REASONS = Path(__file__).with_name("survivors.json")
_RESULTS = ROOT / ".mutants"


def main() -> int:
    """Return 0 if at least 95 % of the changes are noticed, and every survivor has a reason."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="changes to try (default: 200)")
    parser.add_argument("--seed", type=int, default=2026, help="seed that draws them (default: 2026)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="changes to try at once")
    given = parser.parse_args()
    drawn = _drawn(given.count, given.seed)
    results = _Results(_state())
    waiting = [mutation for mutation in drawn if mutation.name not in results.killed]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        _run(waiting, results, Path(folder), given.workers)
    return _told(drawn, results.killed)


def _drawn(count: int, seed: int) -> list[Mutation]:
    every = {
        mutation.name: mutation
        for path in sorted((ROOT / LIBRARY).glob("*.py"))
        for mutation in mutations_of(path)
        if path.name != "__init__.py"
    }
    names = sorted(every)
    chosen = random.Random(seed).sample(names, min(count, len(names)))  # noqa: S311 (no secret)
    return [every[name] for name in chosen]


def _run(waiting: Sequence[Mutation], results: _Results, folder: Path, workers: int) -> None:
    copies: SimpleQueue[Path] = SimpleQueue()
    for number in range(min(workers, len(waiting))):
        copy = folder / str(number)
        for name in _files():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
        copies.put(copy)

    def tried(mutation: Mutation) -> bool:
        copy = copies.get()
        try:
            return _is_noticed(mutation, copy)
        finally:
            copies.put(copy)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress, ThreadPoolExecutor(workers) as pool:
        task = progress.add_task("changes tried", total=len(waiting))
        futures = {pool.submit(tried, mutation): mutation for mutation in waiting}
        try:
            for future in as_completed(futures):
                results.add(futures[future], killed=future.result())
                progress.advance(task)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise SystemExit("interrupted: the same command goes on from here") from None


def _is_noticed(mutation: Mutation, copy: Path) -> bool:
    path = copy / mutation.path.relative_to(ROOT)
    source = path.read_text()
    path.write_text(mutation.applied(source))
    try:
        return any(_fails(tests, copy) for tests in TESTS)
    finally:
        path.write_text(source)


def _fails(tests: Sequence[str], copy: Path) -> bool:
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--exitfirst",
        "--quiet",
        "-p",
        "no:cacheprovider",
        "-m",
        "not soak",
        *tests,
    ]
    paths = [str(copy), str(copy / "constructs"), str(copy / "packages" / "embedded-aws")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, timeout=_LONGEST_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def _files() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def _state() -> str:
    digest = hashlib.sha256()
    for name in _files():
        if name.endswith((".py", ".json", ".ambr")):
            digest.update(name.encode())
            digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()[:16]


class _Results:
    """Results of one state of the sources, by the name of a change."""

    def __init__(self, state: str) -> None:
        self._file = _RESULTS / f"{state}.jsonl"
        self.killed: dict[str, bool] = {}
        if self._file.is_file():
            for line in self._file.read_text().splitlines():
                entry = json.loads(line)
                self.killed[entry["name"]] = entry["killed"]

    def add(self, mutation: Mutation, *, killed: bool) -> None:
        self.killed[mutation.name] = killed
        self._file.parent.mkdir(exist_ok=True)
        with self._file.open("a") as file:
            file.write(json.dumps({"name": mutation.name, "killed": killed}) + "\n")


def _told(drawn: Sequence[Mutation], killed: dict[str, bool]) -> int:
    reasons: dict[str, str] = json.loads(_REASONS.read_text())
    survivors = [mutation for mutation in drawn if not killed[mutation.name]]
    share = 1 - len(survivors) / len(drawn)
    print(f"{len(drawn) - len(survivors)} of {len(drawn)} changes are noticed by a test ({share:.1%})")
    for line in _lines(survivors, reasons):
        print(line)
    without = [mutation for mutation in survivors if mutation.name not in reasons]
    return 0 if share >= LEAST_KILLED and not without else 1


def _lines(survivors: Sequence[Mutation], reasons: dict[str, str]) -> Iterator[str]:
    for mutation in survivors:
        where = f"{mutation.path.relative_to(ROOT)}:{mutation.line}"
        yield f"  {where}: {mutation.kind}: {mutation.statement}"
        yield f"      {reasons.get(mutation.name, 'no reason given: a test is missing')}"


if __name__ == "__main__":
    sys.exit(main())
