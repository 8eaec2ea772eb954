"""Selects the values of a plan's JSON that a review shows, as lines of a table. Reads no file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from replicas.review.versions import BOUNDS, NOT_PRINTED, read_plan

Json = Mapping[str, Any]

_COMPONENT_FIELDS = (
    ("engine", "engine", False),
    ("image", "image", False),
    ("quantization", "quantization", False),
    ("accelerators", "accelerators of a copy", True),
    ("kv_cache_tokens", "KV-cache tokens of a copy", True),
    ("cpus", "CPUs of a copy", False),
    ("memory_mib", "memory of a copy, MiB", False),
    ("max_total_tokens", "longest request, tokens", False),
)
"""Fields of a component in a plan's JSON: key, label of the line, and whether the line is always shown."""


@dataclass(frozen=True)
class Fact:
    """One line of a comparison: label, and the values of both sides as text. A side without a value has None."""

    what: str
    before: str | None
    after: str | None
    always: bool
    """Whether the line is shown even if both values are equal."""

    @property
    def differs(self) -> bool:
        """True if both sides have a value and the values differ."""
        return self.before is not None and self.after is not None and self.before != self.after

    def to_document(self) -> dict[str, Any]:
        """Convert this fact to its part of the review's JSON document."""
        return {"what": self.what, "before": self.before, "after": self.after, "differs": self.differs}


def facts(before: Json | None, after: Json | None) -> list[Fact]:
    """Return the lines of one deployment. A side without the deployment or with a refused plan has no values."""
    sides = [dict(_values(read_plan(side))) if side and side["fits"] else {} for side in (before, after)]
    names = dict.fromkeys([*sides[1], *sides[0]])
    lines = []
    for what in names:
        old, new = (side.get(what) for side in sides)
        always = any(value is not None and value[1] for value in (old, new))
        lines.append(Fact(what, old[0] if old else None, new[0] if new else None, always))
    return lines


def _values(plan: Json) -> Iterator[tuple[str, tuple[str, bool]]]:
    """Yield the label of each line, with its value and whether the line is always shown."""
    bounds = plan["bounds"]
    several = len(plan["components"]) > 1
    instances = _range([str(bounds[name]["instances"]) for name in BOUNDS])
    yield "instances", (f"{instances} x {plan['instance_type']}", True)
    for component in plan["components"]:
        of = f"{component['name']}: " if several else ""
        yield f"{of}model", (str(component["model"]), False)
        yield f"{of}copies", (_copies(component, bounds), True)
        for field, what, always in _COMPONENT_FIELDS:
            if component[field] is not NOT_PRINTED:
                yield f"{of}{what}", (_written(component[field]), always)
        if scaling := component["scaling"]:
            yield f"{of}scales to", (f"{scaling['target']:g} {scaling['metric'].replace('_', ' ')}", False)
        if rollout := component["rollout"]:
            yield f"{of}copies per batch of a rolling update", (f"{rollout['batch_copies']}", False)
    used, available = plan["accelerators_used"], plan["accelerators_available"]
    yield "accelerators in use at the start", (f"{used} of {available}", True)
    yield "USD an hour", (_usd(plan, bounds), True)
    if plan["adds"]:
        added = sum(addition["usd_per_month"] or 0 for addition in plan["adds"] if addition["counted"])
        yield "options, USD a month", (f"{added:.2f}", False)


def _copies(component: Json, bounds: Json) -> str:
    return _range([str(bounds[name]["copies"][component["name"]]) for name in BOUNDS])


def _written(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:,}" if isinstance(value, int) else f"{value:g}" if isinstance(value, float) else str(value)


def _usd(plan: Json, bounds: Json) -> str:
    mark = "~" if plan["price"] and plan["price"]["kind"] == "estimate" else ""
    amounts = [bounds[name]["usd_per_hour"] for name in BOUNDS]
    if None in amounts:
        return "unknown"
    return _range([f"{mark}{amount:.2f}" for amount in amounts])


def _range(values: list[str]) -> str:
    """Join the values of floor, start and ceiling; a single value if they are equal."""
    return values[0] if len(set(values)) == 1 else " / ".join(values)


def forecast_values(point: Json) -> Iterator[tuple[str, str]]:
    """Yield the labels and values of throughput, latency and token price of a forecast."""
    yield "requests answered a second", f"{point['requests_per_second_window']:.2f}"
    for field, what in (
        ("latency_p50_seconds", "latency p50, s"),
        ("latency_p90_seconds", "latency p90, s"),
        ("ttft_p90_seconds", "time to first token p90, s"),
        ("usd_per_million_output_tokens", "USD for a million output tokens"),
    ):
        if (value := point.get(field)) is not None:
            yield what, f"{value:.2f}"
