"""Runs a whole benchmark: warms up, measures under every load, compares with the forecast, and writes the result."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import Any

from replicas.aws.deployed import find_deployed
from replicas.aws.session import Aws
from replicas.benchmark.forecast_comparison import compare_with_forecast
from replicas.benchmark.holding import hold
from replicas.benchmark.report import write_report
from replicas.benchmark.result import Result, check_resumable, discard, load, save
from replicas.benchmark.settings import DEFAULT_USERS, Settings
from replicas.benchmark.subject import find_subject, plan_of, versions
from replicas.benchmark.sweep import Distribution, Interrupted, Progress, sweep, warm_up
from replicas.engines.profile import Profile
from replicas.errors import OperationError, UsageError
from replicas.installation import missing_module
from replicas.load import Load
from replicas.load.arrivals import duration_problems
from replicas.load.objectives import Bounds


@dataclass(frozen=True)
class BenchmarkRun:
    """The result of a benchmark, its files, and how the run ended."""

    result: Result
    folder: Path
    page: Path | None
    """HTML page with table and plots; None if nothing was measured."""
    interrupted: bool
    """True if Ctrl-C ended the run. Completed measurements are kept, and `resume=folder` continues."""
    failure: OperationError | None
    """Error if the run ended early or no request succeeded, else None."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.benchmark.document.BenchmarkDocument`) with the folder."""
        return {**self.result.to_document(), "folder": str(self.folder)}


def run(
    name: str | None = None,
    *,
    endpoint: str | None = None,
    component: str | None = None,
    region: str | None = None,
    users: Sequence[int] | None = None,
    rates: Sequence[float] | None = None,
    bursts: Sequence[int] | None = None,
    objective: Bounds | None = None,
    searches: bool = False,
    settings: Mapping[str, Any] | None = None,
    out: Path | None = None,
    resume: Path | None = None,
    distribution: Distribution | None = None,
    profile: Profile | None = None,
    progress: Callable[[str, Progress], None] = lambda _load, _now: None,
    tell: Callable[[str], None] = lambda _line: None,
) -> BenchmarkRun:
    """Measure a deployed component under loads, and compare with the forecast.

    Args:
        name: name of a stack; `endpoint` names any endpoint instead.
        endpoint: name of an endpoint.
        component: name or label of the component; required if the endpoint has several.
        region: AWS region. Default: the region that the CDK CLI would use.
        users: numbers of users in a closed loop, one measurement each. Default, if no other load is given: the loads of
            the resumed run, or 100 and 500 users.
        rates: arrivals per second (Poisson), one measurement each.
        bursts: numbers of requests that arrive at once, one measurement each. For a trace, set `trace` in the settings.
        objective: bounds for the answers. Default: those of the resumed run.
        searches: search for the highest load that meets the objective, starting at the given load or at the load of
            the forecast.
        settings: fields of `Settings` that differ from those of the resumed run, or from the defaults.
        out: folder of the result. Default: benchmarks/NAME/<time>.
        resume: folder of an earlier run to continue.
        distribution: distribute the load over several processes.
        profile: engine profile for the forecast.
        progress: called with the description of a measurement's load, and its progress.
        tell: called with progress lines for people.

    Raises:
        UsageError: `out` and `resume` are both given, or a search has no objective or several loads to begin with.
        TraceError: the trace of the settings is faulty.
        OperationError: the component cannot be measured, the warm-up failed, or the folder has another result. Errors
            after the first measurement are in `failure` of the returned run instead.

    """
    _require_packages()
    if resume and out:
        raise UsageError("--resume continues in its own folder: remove --out")
    earlier = load(resume) if resume else None
    chosen = replace(earlier.settings if earlier else Settings(), **(settings or {}))
    bounds = objective or (earlier.bounds if earlier else None)
    requested = _asked(users, rates, bursts, chosen, earlier)
    _check(
        requested,
        chosen.duration_seconds,
        bounds,
        distribution,
        searches=searches,
        is_stated=_is_stated(users, rates, bursts),
    )
    aws = Aws(region)
    deployed = find_deployed(aws, name, endpoint)
    subject = find_subject(aws, deployed, deployed.component(component))
    if earlier:
        check_resumable(earlier, subject, chosen)
        result = replace(earlier.with_loads(requested), objective=str(bounds) if bounds else None)
    else:
        plan = plan_of(deployed.name)
        result = Result(subject=subject, settings=chosen, versions=versions(), plan=plan, users=())
        result = replace(result.with_loads(requested), objective=str(bounds) if bounds else None)
    folder = resume or out or new_folder(Path("benchmarks", deployed.name), datetime.now())
    if not resume and (folder / "result.json").exists():
        raise OperationError(f"{folder} has an earlier result: continue it with --resume {folder}, or change --out")
    save(result, folder)  # fails early, before any request is sent, if the folder cannot be written
    if not searches and all(map(result.is_measured, requested)):
        tell("every load is already measured: give other loads with --users, --rate, --burst or --trace")
    elif chosen.warmup_requests:
        tell(f"warming up: {chosen.warmup_requests} requests")
        try:
            warm_up(aws, subject, chosen)
        except BaseException:
            if not resume:
                discard(folder)
            raise
    interrupted, failure = False, None
    try:
        if searches and bounds:

            def measure(so_far: Result, load: Load) -> Result:
                return sweep(so_far, [load], folder, progress=progress, distribution=distribution)

            stated = _is_stated(users, rates, bursts)
            result = hold(result, requested[0], bounds, is_stated=stated, profile=profile, measure=measure, tell=tell)
        else:
            result = sweep(result, requested, folder, progress=progress, distribution=distribution)
    except Interrupted as stopped:
        result, interrupted = stopped.result, True
    except OperationError as fault:
        result = load(folder)
        failure = OperationError(f"{fault}; complete measurements are kept: continue with --resume {folder}")
    result = replace(result, forecast=compare_with_forecast(result, profile))
    save(result, folder)
    page = write_report(result, folder) if result.points else None
    if failure is None and result.points and not any(point.success_percent for point in result.points):
        failure = OperationError(
            f"no request was answered: look at `replicas status {deployed.name}`, or try `replicas chat`"
        )
    return BenchmarkRun(result, folder, page, interrupted, failure)


def _is_stated(users: Sequence[int] | None, rates: Sequence[float] | None, bursts: Sequence[int] | None) -> bool:
    return any(sizes is not None for sizes in (users, rates, bursts))


def _asked(
    users: Sequence[int] | None,
    rates: Sequence[float] | None,
    bursts: Sequence[int] | None,
    settings: Settings,
    earlier: Result | None,
) -> list[Load]:
    """Return the loads to measure."""
    if _is_stated(users, rates, bursts):
        return [
            *(settings.load(users=count) for count in users or ()),
            *(settings.load(requests_per_second=rate) for rate in rates or ()),
            *(settings.load(burst=burst) for burst in bursts or ()),
        ]
    if settings.trace is not None:
        return [settings.load()]
    if earlier:
        return earlier.loads
    return [settings.load(users=count) for count in DEFAULT_USERS]


def _check(
    loads: Sequence[Load],
    duration_seconds: float,
    objective: Bounds | None,
    distribution: Distribution | None,
    *,
    searches: bool,
    is_stated: bool,
) -> None:
    """Raise `UsageError` with every fault of the loads and of their options."""
    faults = list(
        dict.fromkeys(
            fault for load in loads for fault in (*load.problems(), *duration_problems(load, duration_seconds))
        )
    )
    if not 0 < duration_seconds < inf:
        faults.append(f"duration_seconds={duration_seconds:g}: set it above 0")
    if searches and objective is None:
        faults.append("a search needs an objective: set objective=")
    if searches and loads and loads[0].trace is not None:
        faults.append("--hold needs users, a rate or a burst: a trace has only one size")
    if searches and is_stated and len(loads) > 1:
        faults.append(f"--hold begins at one load, but {len(loads)} are given")
    if distribution is not None and any(load.users is None for load in loads):
        faults.append(
            "--workers and --expect-workers need --users, because one process sends all requests of a rate, a burst or "
            "a trace: leave the option out, or start a benchmark with a part of the rate on each machine"
        )
    if faults:
        raise UsageError("; ".join(faults))


def new_folder(parent: Path, now: datetime) -> Path:
    """Create the folder of a run, named after the time of its start. A number is appended if the folder exists."""
    stamp = now.strftime("%Y-%m-%dT%H-%M-%S")
    for name in itertools.chain([stamp], (f"{stamp}-{number}" for number in itertools.count(2))):
        try:
            (parent / name).mkdir(parents=True)
        except FileExistsError:
            continue
        return parent / name
    raise AssertionError  # the numbers are unlimited


def _require_packages() -> None:
    """Raise `OperationError` if a package of the extra `benchmark` is missing."""
    for module in ("locust", "matplotlib"):
        if find_spec(module) is None:
            raise OperationError(missing_module(module))
