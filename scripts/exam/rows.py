"""Reads the published runs of the exam (`runs.csv`), and builds the plan and the load of each run."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from replicas import Component, ComponentPlan, Deployment, EndpointPlan, plan
from replicas.catalogue.instances import find_instance
from replicas.engines import find_engine
from replicas.errors import SizingError
from replicas.load import Load

_RUNS = Path(__file__).parent / "runs.csv"
FITTED_SOURCES = ("gpustack/gpustack", "tenstorrent/tt-inference-server", "yobitelcomm.github.io")
"""Repositories whose rows may be used to fit constants. Rows of other sources are only compared."""
_SHAREGPT_INPUT, _SHAREGPT_OUTPUT = 1.2, 1.0
"""Coefficients of variation of the lengths in ShareGPT, for rows whose source states only the means."""
_WAITED_SHARE = 0.9
"""A run counts as overloaded if its measured rate is below this share of the offered rate."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One published run. None: the source does not state the value."""

    number: int
    """Line number in the file."""
    source: str
    model: str
    instance: str
    degree: int
    version: str
    kind: str
    """`rate`, `closed` or `offline`."""
    load: float
    input_tokens: int
    output_tokens: int
    input_stddev: float | None
    output_stddev: float | None
    """Standard deviations of both lengths, if the source lists the length of each request."""
    duration: float
    max_total_tokens: int
    max_sequences: int | None
    prefill_tokens: int | None
    shared_tokens: int
    distinct_prompts: int | None
    prompts_were_cached: bool
    """True if the prefix cache contained prompts of earlier runs: the log prints a hit rate, or the first token came
    sooner than the accelerator's compute allows. The share of cached tokens is unknown, so the time to first token is
    ignored."""
    links: str | None
    """Instance type with the interconnect of the run, if the source shows that this interconnect differs from the
    interconnect of `instance`."""
    memory_share: float | None
    requests_per_second: float | None
    output_tokens_per_second: float | None
    ttft_seconds: float | None
    tpot_seconds: float | None
    latency_seconds: float | None
    note: str

    @property
    def origin(self) -> str:
        """Repository or site of the source."""
        words = self.source.removeprefix("github ").removeprefix("https://").split()
        return "/".join(words[0].split("/")[:2]) if self.source.startswith("github") else words[0].split("/")[0]

    @property
    def is_fitted(self) -> bool:
        """True if the row may be used to fit constants."""
        return self.origin in FITTED_SOURCES

    @property
    def has_failures(self) -> bool:
        """True if requests failed."""
        return int(m[1]) > 0 if (m := re.search(r"failures (\d+)", self.note)) else False

    @property
    def varies(self) -> bool:
        """True if the lengths of requests vary."""
        return self.output_stddev is not None or "ShareGPT" in self.note

    @property
    def is_saturated(self) -> bool:
        """True if the engine had at least as many requests as it can process."""
        if self.kind == "offline":
            return True
        return self.kind == "rate" and (self.requests_per_second or self.load) < _WAITED_SHARE * self.load

    @property
    def measured_latency(self) -> float | None:
        """Median latency: as published, or for fixed lengths TTFT + (output tokens - 1) x TPOT; None if unknown."""
        if self.latency_seconds is not None or self.has_failures:
            return self.latency_seconds
        if self.varies or self.ttft_seconds is None or self.tpot_seconds is None:
            return None
        return self.ttft_seconds + self.tpot_seconds * (self.output_tokens - 1)


def rows() -> list[Row]:
    """Return the published runs."""
    with _RUNS.open(newline="") as file:
        return [_row(number, line) for number, line in enumerate(csv.DictReader(file), 2)]


def _row(number: int, line: dict[str, str]) -> Row:
    def figure(name: str, unit: float = 1.0) -> float | None:
        return float(line[name]) * unit if line[name] else None

    def whole(name: str) -> int | None:
        return int(line[name]) if line[name] else None

    return Row(
        number=number,
        source=line["source"],
        model=line["model"],
        instance=line["instance"],
        degree=int(line["tensor_parallel"]),
        version=line["vllm_version"],
        kind=line["load_kind"],
        load=float(line["load"]),
        input_tokens=int(line["input_tokens"]),
        output_tokens=int(line["output_tokens"]),
        input_stddev=figure("input_stddev"),
        output_stddev=figure("output_stddev"),
        duration=float(line["duration_seconds"]),
        max_total_tokens=int(line["max_total_tokens"]),
        max_sequences=whole("max_sequences"),
        prefill_tokens=whole("max_batch_prefill_tokens"),
        shared_tokens=whole("shared_tokens") or 0,
        distinct_prompts=whole("distinct_prompts"),
        prompts_were_cached=line["prompts_cached"] == "1",
        links=line["links"] or None,
        memory_share=figure("gpu_memory_share"),
        requests_per_second=figure("requests_per_second"),
        output_tokens_per_second=figure("output_tokens_per_second"),
        ttft_seconds=figure("ttft_p50_ms", 1e-3),
        tpot_seconds=figure("tpot_ms", 1e-3),
        latency_seconds=figure("e2e_p50_seconds"),
        note=line["note"],
    )


def planned(row: Row) -> tuple[EndpointPlan, ComponentPlan]:
    """Return the plan of a run: one copy, with the limits that the source states.

    If the plan refuses the context length of the run, the default number of sequences of a plan is tried, and then the
    longest context that the refusal proposes.
    """
    total = row.max_total_tokens
    engine = find_engine(f"vllm-{row.version}")
    sequences = row.max_sequences or engine.default_sequences(find_instance(row.instance))
    while True:
        component = Component(
            model=row.model,
            engine=str(engine),
            tensor_parallel=row.degree,
            copies=1,
            max_total_tokens=total,
            max_sequences=sequences,
            max_batch_prefill_tokens=row.prefill_tokens,
            gpu_memory_share=row.memory_share,
        )
        try:
            endpoint = plan(
                Deployment(name="exam", instance_type=row.instance, components=[component]), to_deploy=False
            )
        except SizingError as refused:
            proposed = re.search(r"max_total_tokens=(\d+)", str(refused))
            if row.max_sequences is None and sequences != engine.sequences:
                sequences = engine.sequences
                continue
            if proposed is None or int(proposed[1]) >= total:
                raise
            total = int(proposed[1])
        else:
            return endpoint, endpoint.components[0]


def load_of(row: Row) -> Load:
    """Return the load of a run."""
    return Load(
        users=int(row.load) if row.kind == "closed" else None,
        requests_per_second=row.load if row.kind == "rate" else None,
        burst=int(row.load) if row.kind == "offline" else None,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        input_stddev=_stddev(row, row.input_stddev, row.input_tokens * _SHAREGPT_INPUT),
        output_stddev=_stddev(row, row.output_stddev, row.output_tokens * _SHAREGPT_OUTPUT),
        shared_tokens=row.shared_tokens,
        distinct_prompts=row.distinct_prompts,
    )


def _stddev(row: Row, stated: float | None, in_sharegpt: float) -> float:
    return stated if stated is not None else in_sharegpt if row.varies else 0.0
