"""Benchmarks of this project's own speed, as ratios measured in one run: `make benchmark`.

Absolute times vary on a shared machine. Therefore most results are median ratios between a command and a reference
command; the two commands run alternately.
"""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from embedded_aws.process import client_environment
from scripts import benchmark_page, chromium
from scripts.benchmark_load import cost

ROOT = Path(__file__).parent.parent
APPS = Path(__file__).parent / "benchmark_apps.py"
PYTHON = sys.executable
FORECASTS = (
    (
        "replicas recommend, 200 requests a second, all instances",
        "recommend llama-2-13b --rate 200 --input-tokens 1000 --output-tokens 50",
        "10 s, 300 MiB",
    ),
    ("replicas forecast, nine loads", "forecast llama-2-13b", "1 s, 300 MiB"),
    (
        "replicas forecast, 64 copies, 10,000 users, 300 tokens in and 300 out",
        "forecast --model RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8 --instance ml.p5.48xlarge --instances 8 --copies 64 "
        "--tensor-parallel 1 --users 10000 --input-tokens 300 --output-tokens 300",
        "5 s, 300 MiB",
    ),
)
"""Commands whose time and memory are measured once: title, arguments and target."""


def main() -> None:
    """Run all benchmarks and print their results and targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="number of pairs per comparison (default 5)")
    rounds = parser.parse_args().rounds
    table = Table(title=f"median of {rounds} pairs", title_justify="left")
    for column in ("what", "found", "target"):
        table.add_column(column, justify="left" if column == "what" else "right")
    catalogue, empty, bare = (synth(name) for name in ("catalogue", "empty", "bare"))
    plan_all = [str(Path(PYTHON).parent / "replicas"), "plan"]
    cli = command(plan_all)
    import_boto3 = [PYTHON, "-c", "import boto3"]
    boto3 = command(import_boto3)
    measures: list[tuple[str, Callable[[], str], str]] = [
        ("synth of the catalogue / an app with one empty stack", lambda: ratio(catalogue, empty, rounds), "1.8 x"),
        ("synth of the catalogue / the same resources as bare L1s", lambda: ratio(catalogue, bare, rounds), "1.15 x"),
        *(
            (f"one more endpoint, at {count}", lambda count=count: added("endpoints", count, rounds), "20 ms")
            for count in (10, 50, 200)
        ),
        *(
            (f"one more stack of bare L1s, at {count}", lambda count=count: added("bare-endpoints", count, rounds), "")
            for count in (10, 50)
        ),
        (
            "time that all options add to one more endpoint, at 50",
            lambda: added_beside("production-endpoints", "endpoints", 50, rounds),
            "60 ms",
        ),
        ("replicas plan (all deployments) / python -c 'import boto3'", lambda: ratio(cli, boto3, rounds), "2.0 x"),
        (
            "replicas plan NAME / python -c 'import boto3', processor time",
            lambda: ratio(processor_time([*plan_all, "llama-2-13b"]), processor_time(import_boto3), rounds),
            "2.0 x",
        ),
        *(
            (
                f"replicas {name}, until its first call to AWS / python -c 'import boto3'",
                lambda name=name, more=more: ratio(first_call([*plan_all[:1], name, "x", *more]), boto3, rounds),
                "2.0 x",
            )
            for name, more in (("status", ()), ("chat", ("hello",)))
        ),
        *(
            (
                f"load of {users:,} users at 10 s{', 50 chunks' if stream else ''}: part of a core, added latency",
                lambda users=users, stream=stream: load_cost(users=users, stream=stream),
                target,
            )
            for users, stream, target in ((500, False, "10 %, 1 %"), (500, True, "30 %, 1 %"), (1000, True, ""))
        ),
        *(
            (what, lambda line=line: seconds_and_memory([plan_all[0], *line.split()]), target)
            for what, line, target in FORECASTS
        ),
        ("peak memory, synth of the catalogue", lambda: peak_memory([PYTHON, str(APPS), "catalogue", "0"]), ""),
        ("peak memory, replicas plan", lambda: peak_memory(plan_all), ""),
        ("replicas report of all deployments: navigation to the first what-if changed", lambda: page(rounds), "1 s"),
    ]
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # otherwise no run caches the modules that it compiles
    progress = Console(stderr=True)
    for what, measure, target in measures:
        progress.print(f"measuring: {what}")
        found = measure()
        progress.print(f"  {found}")
        table.add_row(what, found, target)
    Console().print(table)


Run = Callable[[], float]
"""A function that runs a command once and returns seconds: the wall time, or the user time for `processor_time`."""


def command(arguments: list[str]) -> Run:
    """Return a function that runs a command in the project's root."""

    def run() -> float:
        began = time.perf_counter()
        finished = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
        elapsed = time.perf_counter() - began
        if finished.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed:\n{finished.stderr[-2000:]}")
        return elapsed

    return run


def processor_time(arguments: list[str]) -> Run:
    """Return a function that runs a command and returns its user time in seconds, which other processes
    hardly affect.
    """

    def run() -> float:
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{' '.join(arguments)} failed")
        return usage.ru_utime

    return run


def seconds_and_memory(arguments: list[str]) -> str:
    """Run a command once, and return its wall time, its processor time and its peak memory as text."""
    began = time.perf_counter()
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    elapsed = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed")
    processor = usage.ru_utime + usage.ru_stime
    return f"{elapsed:.1f} s ({processor:.1f} s of processor time), {usage.ru_maxrss / 1024:.0f} MiB"


def first_call(arguments: list[str]) -> Run:
    """Return a function that runs a command until it first connects to AWS, and then kills it."""

    def run() -> float:
        with socket.create_server(("127.0.0.1", 0)) as server:
            url = f"http://127.0.0.1:{server.getsockname()[1]}"
            environment = {**os.environ, **client_environment(url)}
            began = time.perf_counter()
            process = subprocess.Popen(
                arguments, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            server.settimeout(30)
            server.accept()[0].close()
            elapsed = time.perf_counter() - began
            process.kill()
            process.wait()
        return elapsed

    return run


def load_cost(*, users: int, stream: bool) -> str:
    """Return the CPU share of the load generator and the latency that it adds to measurements, both in percent."""
    measured = cost(users=users, latency_seconds=10, stream=stream)
    return f"{measured.core_percent:.0f} %, {measured.added_percent:.1f} %"


def synth(app: str, count: int = 0) -> Run:
    """Return a function that synthesises an app of `benchmark_apps.py` into a temporary folder."""

    def run() -> float:
        with tempfile.TemporaryDirectory() as folder:
            os.environ["CDK_OUTDIR"] = folder
            return command([PYTHON, str(APPS), app, str(count)])()

    return run


def ratio(measured: Run, reference: Run, rounds: int) -> str:
    """Return the median ratio of `rounds` pairs of runs, after one warm-up run of each command."""
    measured(), reference()
    return f"{statistics.median(measured() / reference() for _ in range(rounds)):.2f} x"


def added(app: str, count: int, rounds: int) -> str:
    """Return the time that one more endpoint adds to a synth of `count` endpoints."""
    return f"{slope_ms(app, count, rounds):.1f} ms"


def added_beside(app: str, plain: str, count: int, rounds: int) -> str:
    """Return the difference between the times that one more endpoint adds in `app` and in `plain`."""
    return f"{slope_ms(app, count, rounds) - slope_ms(plain, count, rounds):.1f} ms"


def slope_ms(app: str, count: int, rounds: int) -> float:
    """Return (time of 2 x `count` endpoints - time of `count` endpoints) / `count`, in milliseconds.

    Both times are the fastest of all rounds, because other load on the machine can only slow a round down.
    """
    few, many = synth(app, count), synth(app, 2 * count)
    fastest = [min(run() for _ in range(rounds)) for run in (few, many)]
    return 1000 * (fastest[1] - fastest[0]) / count


def peak_memory(arguments: list[str]) -> str:
    """Return the largest resident memory of a command or of a process that it starts, in MiB."""
    measured = subprocess.run(
        [PYTHON, "-c", _PEAK, *arguments], cwd=ROOT, capture_output=True, text=True, check=True, env=_with_outdir()
    )
    return f"{int(measured.stdout.splitlines()[-1]) / 1024:.0f} MiB"


def page(rounds: int) -> str:
    """Return the time from navigation to the first drawn change of a what-if on the page of all deployments."""
    if chromium.executable() is None:
        return "not measured: no Chromium, see `make browser`"
    with tempfile.TemporaryDirectory() as folder:
        command([str(Path(PYTHON).parent / "replicas"), "report", "--output", folder])()
        return f"{benchmark_page.seconds_to_first_change(Path(folder) / 'index.html', rounds):.2f} s"


_PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def _with_outdir() -> dict[str, str]:
    return {**os.environ, "CDK_OUTDIR": tempfile.mkdtemp()}


if __name__ == "__main__":
    main()
