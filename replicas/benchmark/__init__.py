"""Benchmarks a deployed component with its own load generator or with AWS's benchmark jobs, and compares the results
with the forecast. Calls AWS.

`run("llama-2-13b", users=[100])` measures and writes the result. `verify("qwen3-8b", users=[100], output="s3://...",
role="arn:...")` runs AWS's benchmark jobs. `calibrate_run(path)` fits an engine profile to a result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.benchmark.calibrating import calibrate_run
    from replicas.benchmark.candidates import Comparison, compare
    from replicas.benchmark.runs import BenchmarkRun, run
    from replicas.benchmark.sweep import Distribution
    from replicas.benchmark.verification import Verification, delete_jobs, list_jobs, verify

__all__ = [
    "BenchmarkRun",
    "Comparison",
    "Distribution",
    "Verification",
    "calibrate_run",
    "compare",
    "delete_jobs",
    "list_jobs",
    "run",
    "verify",
]

# Lazy, because the load generator imports this package before gevent has patched the libraries of these modules.
__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "calibrating": ("calibrate_run",),
        "candidates": ("Comparison", "compare"),
        "runs": ("BenchmarkRun", "run"),
        "sweep": ("Distribution",),
        "verification": ("Verification", "delete_jobs", "list_jobs", "verify"),
    },
)
