"""Compares the cost per token of the layouts that `plan` chooses with the cost of the best layout.

For pairs of a model and an instance type and for three loads, the full simulation forecasts every parallel degree that
fits, with the maximum number of copies. The layout that `plan` chooses with its closed-form bounds is compared with the
cheapest layout: once with the load declared as traffic, and once without, in which case the plan assumes a load.
Forecasts are stored in a file, so that an interrupted run can be continued.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from replicas import Component, Deployment, Traffic, plan
from replicas.errors import SizingError
from replicas.forecast import Load, forecast

RESULTS = Path(__file__).parent.parent / ".benchmark" / "layouts.jsonl"
GOAL = 1.10
LOADS = (
    Traffic(users=8, input_tokens=500, output_tokens=100),
    Traffic(users=64, input_tokens=1000, output_tokens=250),
    Traffic(users=128, input_tokens=2000, output_tokens=300),
)
MODELS = (
    "NousResearch/Meta-Llama-3.1-8B-Instruct",
    "RedHatAI/Meta-Llama-3.1-8B-Instruct-FP8",
    "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic",
    "NousResearch/Meta-Llama-3.1-70B-Instruct",
    "hugging-quants/Meta-Llama-3.1-70B-Instruct-AWQ-INT4",
    "Qwen/Qwen3-8B",
    "Qwen/Qwen3-32B",
    "Qwen/Qwen3-30B-A3B-FP8",
    "Qwen/Qwen2.5-14B-Instruct",
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openai/gpt-oss-20b",
    "openai/gpt-oss-120b",
)
INSTANCES = (
    "ml.g5.12xlarge",
    "ml.g5.48xlarge",
    "ml.g6.12xlarge",
    "ml.g6e.12xlarge",
    "ml.g6e.48xlarge",
    "ml.g7e.12xlarge",
    "ml.p4d.24xlarge",
    "ml.p5.48xlarge",
    "ml.p5en.48xlarge",
)


def main() -> None:
    """Run the missing forecasts, and print the cost of the chosen layouts relative to the best layouts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, default=90, help="simulated seconds (default 90, as in forecasts)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="file of results; existing results are reused")
    parser.add_argument("--pairs", type=int, help="compare only this many pairs, from the first (default: all)")
    arguments = parser.parse_args()
    known = _read(arguments.results)
    arguments.results.parent.mkdir(parents=True, exist_ok=True)
    pairs = [(model, instance) for model in MODELS for instance in INSTANCES][: arguments.pairs]
    ratios: list[tuple[float, float, str]] = []
    compared = set()
    with arguments.results.open("a") as file:
        for model, instance in track(pairs, console=Console(stderr=True)):
            for load in LOADS:
                layouts = dict(_forecast(model, instance, load, arguments.duration, known, file))
                if len(layouts) < 2:
                    continue
                compared.add((model, instance))
                best = min(layouts.values())
                declared, assumed = (layouts[_chosen(model, instance, traffic)] for traffic in (load, None))
                ratios.append((declared / best, assumed / best, f"{model} on {instance}, {load.users} users"))
    _print(ratios, len(compared))


def _forecast(
    model: str, instance: str, load: Traffic, duration: float, known: dict[str, float], file: Any
) -> Iterator[tuple[int, float]]:
    """Yield each parallel degree that fits, and its simulated price in USD per million tokens."""
    for degree in (1, 2, 4, 8):
        key = f"{model} {instance} {degree} {load.users} {load.input_tokens} {load.output_tokens} {duration:g}"
        if key not in known:
            known[key] = _usd(model, instance, degree, load, duration)
            file.write(json.dumps({"key": key, "usd": known[key]}) + "\n")
            file.flush()
        if known[key] > 0:
            yield degree, known[key]


def _usd(model: str, instance: str, degree: int, load: Traffic, duration: float) -> float:
    """Return USD per million tokens; 0 if the layout does not fit or its instance has no price."""
    try:
        planned = plan(_deployment(model, instance, load, degree), to_deploy=False)
    except SizingError:
        return 0.0
    asked = Load(users=load.users, input_tokens=load.input_tokens, output_tokens=load.output_tokens)
    (point,) = forecast(planned, planned.components[0], [asked], duration_seconds=duration).points
    return point.usd_per_million_output_tokens or 0.0


def _chosen(model: str, instance: str, load: Traffic | None) -> int:
    return plan(_deployment(model, instance, load), to_deploy=False).components[0].accelerators


def _deployment(model: str, instance: str, load: Traffic | None, degree: int | None = None) -> Deployment:
    component = Component(model=model, tensor_parallel=degree, traffic=load)
    return Deployment(name="layouts", instance_type=instance, components=[component])


def _read(path: Path) -> dict[str, float]:
    if not path.exists():
        return {}
    return {row["key"]: row["usd"] for row in map(json.loads, path.read_text().splitlines())}


def _print(ratios: list[tuple[float, float, str]], pairs: int) -> None:
    table = Table(title=f"{pairs} pairs, {len(LOADS)} loads: cost per token / cost of the best layout")
    for column in ("load of the plan", "median", "worst", f"above {GOAL:.2f}"):
        table.add_column(column, justify="left" if column == "load of the plan" else "right")
    for what, place in (("declared as traffic=", 0), ("assumed by the plan", 1)):
        values = [(declared, assumed)[place] for declared, assumed, _ in ratios]
        above = sum(value > GOAL for value in values)
        table.add_row(what, f"{statistics.median(values):.3f}", f"{max(values):.2f}", f"{above} of {len(values)}")
    Console().print(table)
    for declared, assumed, what in sorted(ratios, reverse=True):
        if max(declared, assumed) > GOAL:
            Console().print(f"{declared:.2f} declared, {assumed:.2f} assumed: {what}")


if __name__ == "__main__":
    main()
