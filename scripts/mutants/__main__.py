"""`make mutants`: runs the tests of the construct library against random mutations of it.

A mutation that no test detects is a survivor. Survivors without a visible effect are listed with the reason in
`survivors.json`. Results are stored in `.mutants/`, so that an interrupted run can continue. They are valid for one
state of the sources and tests. In a later state, the test that detected a mutation before is tried first.
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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from queue import SimpleQueue

import pytest
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from scripts.mutants.mutations import Mutation, mutations_of
from scripts.mutants.touching import RECORD, Record

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = Path("constructs/replicas_cdk")
TESTS = ("tests/constructs", "tests/stacks")
"""Folders of the tests. Slow tests are skipped."""
LEAST_KILLED = 0.95
_REASONS = Path(__file__).with_name("survivors.json")
_RESULTS = ROOT / ".mutants"


def main() -> int:
    """Return 0 if tests detect at least 95 % of the mutations and every survivor has a reason."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="number of mutations (default: 200)")
    parser.add_argument("--seed", type=int, default=2026, help="seed of the random selection (default: 2026)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="number of parallel workers")
    given = parser.parse_args()
    drawn = _drawn(given.count, given.seed)
    results = _Results(_state())
    waiting = [mutation for mutation in drawn if mutation.name not in results.killed]
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        _run(waiting, results, Path(folder), given.workers)
    return _report(drawn, results.killed)


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
    copies: SimpleQueue[_Copy] = SimpleQueue()
    for number in range(min(workers, len(waiting))):
        copies.put(_Copy(folder / str(number)))
    records = _recorded(results, folder / "0") if waiting else {}
    known = _noticed_before()

    def tried(mutation: Mutation) -> str | None:
        copy = copies.get()
        try:
            return copy.failure(mutation, _in_order(mutation, records, known))
        finally:
            copies.put(copy)

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress, ThreadPoolExecutor(workers) as pool:
        task = progress.add_task("changes tried", total=len(waiting))
        futures = {pool.submit(tried, mutation): mutation for mutation in waiting}
        try:
            for future in as_completed(futures):
                results.add(futures[future], future.result())
                progress.advance(task)
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise SystemExit("interrupted: run the same command again to continue") from None
        finally:
            while not copies.empty():
                copies.get().close()


class _Copy:
    """A copy of the sources for one mutation at a time, with the process that runs the tests."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._worker: subprocess.Popen[str] | None = None
        for name in _files():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)

    def failure(self, mutation: Mutation, tests: Sequence[str]) -> str | None:
        """Apply a mutation and return the first test that fails; None if all pass."""
        path = self._folder / mutation.path.relative_to(ROOT)
        source = path.read_text()
        path.write_text(mutation.applied(source))
        try:
            return self._first_failure(tests)
        finally:
            path.write_text(source)

    def _first_failure(self, tests: Sequence[str]) -> str | None:
        if self._worker is None or self._worker.poll() is not None:
            self._worker = self._started()
        assert self._worker.stdin and self._worker.stdout  # noqa: S101, PT018 (pipes were asked for)
        print(json.dumps(list(tests)), file=self._worker.stdin, flush=True)
        answer = self._worker.stdout.readline()
        if not answer:
            raise SystemExit("a worker ended without an answer: run the same command again to continue")
        failure: str | None = json.loads(answer)
        return failure

    def _started(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "scripts.mutants.worker", *TESTS]
        worker = subprocess.Popen(
            command,
            cwd=self._folder,
            env=_environment(self._folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert worker.stdout  # noqa: S101 (a pipe was asked for)
        if worker.stdout.readline() != "ready\n":
            raise SystemExit("the tests cannot be collected: run make test-fast to see why")
        return worker

    def close(self) -> None:
        """Stop the process."""
        if self._worker is not None and self._worker.stdin is not None:
            self._worker.stdin.close()
            self._worker.wait()


def _recorded(results: _Results, copy: Path) -> dict[str, Record]:
    """Run all tests on the unchanged sources, and return the functions that each passing test calls."""
    file = results.file.with_suffix(".tests.json")
    if not file.is_file():
        file.parent.mkdir(exist_ok=True)
        print("tests on the unchanged sources ...", file=sys.stderr)
        options = ["--quiet", "-p", "no:cacheprovider", "-p", "scripts.mutants.touching", "-m", "not slow and not soak"]
        environment = {**_environment(copy), RECORD: str(file)}
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *TESTS],
            cwd=copy,
            env=environment,
            stdout=sys.stderr,
            check=False,
        )
        if done.returncode == pytest.ExitCode.TESTS_FAILED:
            print("tests that fail without a mutation are skipped: run make test-fast to see them", file=sys.stderr)
        elif done.returncode != pytest.ExitCode.OK:
            file.unlink(missing_ok=True)
            raise SystemExit("the tests cannot be run: run make test-fast to see why")
    records: dict[str, Record] = json.loads(file.read_text())
    return records


def _in_order(mutation: Mutation, records: Mapping[str, Record], known: Mapping[str, str]) -> list[str]:
    """Return all tests: first the tests that call the mutated function, then the tests that call its module, then all
    other tests.

    In each group, the shortest test is first. The test that detected the mutation in an earlier state of the sources
    comes before all others.
    """
    function = f"{mutation.path.name}:{mutation.function}"

    def rank(test: str) -> tuple[bool, bool, bool, float]:
        entered = records[test]["functions"]
        in_module = any(name.startswith(f"{mutation.path.name}:") for name in entered)
        is_elsewhere = bool(mutation.function) and function not in entered
        return (test != known.get(mutation.name), is_elsewhere, not in_module, records[test]["seconds"])

    return sorted(records, key=rank)


def _environment(copy: Path) -> dict[str, str]:
    paths = [str(copy), str(copy / "constructs"), str(copy / "packages" / "embedded-aws")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


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


def _noticed_before() -> dict[str, str]:
    """Return the test that detected each mutation, in any earlier state of the sources."""
    noticed: dict[str, str] = {}
    for file in sorted(_RESULTS.glob("*.jsonl"), key=lambda file: file.stat().st_mtime):
        entries = [json.loads(line) for line in file.read_text().splitlines()]
        noticed.update({entry["name"]: entry["test"] for entry in entries if entry["test"]})
    return noticed


class _Results:
    """Results for one state of the sources, by the name of the mutation."""

    def __init__(self, state: str) -> None:
        self.file = _RESULTS / f"{state}.jsonl"
        self.killed: dict[str, bool] = {}
        if self.file.is_file():
            for line in self.file.read_text().splitlines():
                entry = json.loads(line)
                self.killed[entry["name"]] = entry["test"] is not None

    def add(self, mutation: Mutation, test: str | None) -> None:
        self.killed[mutation.name] = test is not None
        self.file.parent.mkdir(exist_ok=True)
        with self.file.open("a") as file:
            file.write(json.dumps({"name": mutation.name, "test": test}) + "\n")


def _report(drawn: Sequence[Mutation], killed: dict[str, bool]) -> int:
    reasons: dict[str, str] = json.loads(_REASONS.read_text())
    survivors = [mutation for mutation in drawn if not killed[mutation.name]]
    share = 1 - len(survivors) / len(drawn)
    print(f"{len(drawn) - len(survivors)} of {len(drawn)} mutations are detected by a test ({share:.1%})")
    for line in _lines(survivors, reasons):
        print(line)
    without = [mutation for mutation in survivors if mutation.name not in reasons]
    return 0 if share >= LEAST_KILLED and not without else 1


def _lines(survivors: Sequence[Mutation], reasons: dict[str, str]) -> Iterator[str]:
    for mutation in survivors:
        where = f"{mutation.path.relative_to(ROOT)}:{mutation.line}"
        yield f"  {where}: {mutation.kind}: {mutation.replaced} -> {mutation.text}"
        yield f"      {reasons.get(mutation.name, 'no reason given: a test is missing')}"


if __name__ == "__main__":
    sys.exit(main())
