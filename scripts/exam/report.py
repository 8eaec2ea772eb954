"""Tables of the exam's results: errors compared with the goals, groups of runs, and single runs, worst first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

Run = dict[str, Any]
Rows = list[tuple[str, ...]]

FEWEST_RUNS, FEWEST_SOURCES = 20, 3
"""Minimum numbers of runs that were not used for fitting, and of their sources, for a valid comparison with a goal."""
_GOALS = (
    ("latency", "end-to-end latency", 0.10, None),
    ("ttft", "time to first token", 0.25, None),
    ("requests_per_second", "saturated throughput", 0.15, 0.10),
)
"""Measured quantity, its name, the goal for the median error, and the goal for the bias (None: no goal)."""
_RIVALS = {
    "latency": "BLIS 7 % (its authors); LLMServingSim 19 %, aiconfigurator 12 to 15 %, llm-optimizer 39 % (third "
    "parties)",
    "ttft": "aiconfigurator 550 % (third parties)",
    "requests_per_second": "",
}

GOAL_COLUMNS = (
    *("figure", "runs", ">number", ">sources", ">median error", ">bias", ">worst", ">beyond a factor of two"),
    *("goal", "others state"),
)
GROUP_COLUMNS = ("engine", "card", ">degree", "load", ">runs", ">requests/s", ">latency", ">first token", ">worst")
RUN_COLUMNS = (
    "engine",
    "model",
    "card",
    ">degree",
    "load",
    ">tokens",
    ">requests/s",
    ">latency",
    ">first token",
    "source",
)


def errors_of(runs: Sequence[Run], figure: str) -> list[float]:
    """Return the errors of a quantity for the runs that measured it. Throughput counts only for saturated runs."""
    return [
        run["errors"][figure]
        for run in runs
        if run["errors"][figure] is not None and (figure != "requests_per_second" or run["saturated"])
    ]


def goal_rows(runs: Sequence[Run]) -> Rows:
    """Return the rows of the goals table, all with vLLM.

    Each quantity has a row for runs that were not used for fitting, and a row for fitted runs.
    """
    runs = [run for run in runs if run["engine"].startswith("vllm")]
    rows: Rows = []
    for figure, words, goal, bias in _GOALS:
        for fitted in (False, True):
            part = [run for run in runs if run["fitted"] is fitted]
            having = [run for run in part if errors_of([run], figure)]
            errors = errors_of(part, figure)
            if not errors:
                continue
            sources = len({run["origin"] for run in having})
            limits = f"{goal:.0%}" + (f", bias {bias:.0%}" if bias else "")
            rows.append(
                (
                    words,
                    "fitted" if fitted else "unfitted",
                    str(len(errors)),
                    str(sources),
                    f"{median(map(abs, errors)):.0%}",
                    f"{median(errors):+.0%}",
                    f"{max(errors, key=abs):+.0%}",
                    str(sum(not 0.5 <= 1 + error <= 2 for error in errors)),
                    "" if fitted else _verdict(errors, sources, goal, bias, limits),
                    "" if fitted else _RIVALS[figure],
                )
            )
    return rows


def _verdict(errors: Sequence[float], sources: int, goal: float, bias: float | None, limits: str) -> str:
    if len(errors) < FEWEST_RUNS or sources < FEWEST_SOURCES:
        return f"{limits}: too few runs to count"
    reached = median(map(abs, errors)) <= goal and (bias is None or abs(median(errors)) <= bias)
    return f"{limits}: {'reached' if reached else 'missed'}"


def group_rows(runs: Sequence[Run]) -> Rows:
    """Return one row per engine version, accelerator, degree and kind of load, worst first. Fitted runs are omitted."""
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        if not run["fitted"]:
            groups.setdefault((run["engine"], _card(run), str(run["degree"]), _load(run)), []).append(run)
    rows: Rows = []
    for key, group in sorted(groups.items(), key=lambda entry: _worst(entry[1]), reverse=True):
        medians = (_median(group, figure) for figure in ("requests_per_second", "latency", "ttft"))
        rows.append((*key, str(len(group)), *medians, f"{_worst(group):.0%}"))
    return rows


def run_rows(runs: Sequence[Run], most: int) -> Rows:
    """Return rows of the runs with the largest errors, worst first. Fitted runs are omitted."""
    judged = sorted((run for run in runs if not run["fitted"]), key=lambda run: _worst([run]), reverse=True)
    return [
        (
            run["engine"],
            run["model"].rpartition("/")[2],
            _card(run),
            str(run["degree"]),
            _exact_load(run),
            f"{run['input_tokens']:,} + {run['output_tokens']:,}",
            *(_percent(run["errors"][figure]) for figure in ("requests_per_second", "latency", "ttft")),
            run["origin"],
        )
        for run in judged[:most]
    ]


def overload_line(runs: Sequence[Run]) -> str:
    """Return a sentence with the number of overloaded runs that were forecast as overloaded."""
    judged = [run["overload_found"] for run in runs if run["overload_found"] is not None]
    return f"{sum(judged)} of {len(judged)} runs with failed requests are forecast as overloaded."


def _worst(runs: Sequence[Run]) -> float:
    errors = (error for run in runs for error in run["errors"].values() if error is not None)
    return max((max(1 + error, 1 / (1 + error)) - 1 for error in errors), default=0.0)


def _median(runs: Sequence[Run], figure: str) -> str:
    errors = [run["errors"][figure] for run in runs if run["errors"][figure] is not None]
    return _percent(median(errors)) if errors else "-"


def _percent(error: float | None) -> str:
    return "-" if error is None else f"{error:+.0%}"


def _card(run: Run) -> str:
    card = f"{run['accelerator']} {round(run['accelerator_memory_mib'] / 1024)} GB"
    return card if run["own_links"] else f"{card}, PCIe"


_LOADS: dict[str, Callable[[float], str]] = {
    "rate": lambda load: f"{load:g} requests/s",
    "closed": lambda load: f"{load:g} users",
    "offline": lambda load: f"{load:g} at once",
}


def _exact_load(run: Run) -> str:
    return _LOADS[run["kind"]](run["load"])


def _load(run: Run) -> str:
    most = next(most for most in (1, 10, 100, 10_000) if run["load"] <= most)
    words = {"rate": "requests/s", "closed": "users", "offline": "at once"}[run["kind"]]
    return f"to {most:,} {words}" if most > 1 else f"1 {words}"
