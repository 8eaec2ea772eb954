"""Tables of docs/cold-start.md: published start-ups, and their deviation from the formula of their engine."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from replicas.engines.starts import EnginePhase, PublishedStart, Starts
from replicas.start.published import hosting, measured_kinds

PHASES: tuple[EnginePhase, ...] = ("boot", "load", "compile", "capture", "warmup")
_MECHANISM = {
    "boot": "{boot:.0f} s",
    "load": "bytes per accelerator / {rate:.2f} GB/s",
    "compile": "{compile} s a layer",
    "capture": "{capture} ms a graph and layer",
    "warmup": "{warmup:.1f} s",
}


def errors() -> str:
    """Return a table with the error of each phase, for fitted rows and for all other rows."""
    rows = []
    for kind in measured_kinds():
        starts = kind.starts
        assert starts is not None  # noqa: S101 (engines without published starts are left out)
        for phase in PHASES:
            rows.append(
                (
                    kind.title,
                    phase,
                    _mechanism(starts, phase),
                    *(_error(starts, phase, part) for part in ("fitted", "judged")),
                )
            )
    titles = ("engine", "phase", "mechanism", "rows used to fit the constant", "all other rows")
    return _table(titles, "lllll", rows)


def published() -> str:
    """Return a table with every published start-up. Rows that were not used for the fit come first."""
    rows = []
    for kind in measured_kinds():
        starts = kind.starts
        assert starts is not None  # noqa: S101
        for row in sorted(starts.published, key=lambda row: row.part != "judged"):
            cells = [_measured(starts, row, phase) for phase in PHASES]
            download = row.seconds.get("download")
            rows.append(
                (
                    f"[{kind.name}-{row.version}]({row.source})",
                    row.model,
                    f"{row.accelerators} x {row.accelerator}",
                    row.part,
                    "" if download is None else f"{download:.0f}",
                    *cells,
                )
            )
    titles = ("source", "model", "cards", "part", "download s", *(f"{phase} s" for phase in PHASES))
    return _table(titles, "llllrrrrrr", rows)


def scale_outs() -> str:
    """Return a table with the published scale-outs of SageMaker."""
    rows = [
        (
            row["instance_type"],
            f"{row['image_gb']:g}",
            f"{row['weights_gb']:g}",
            f"{row['seconds']}",
            f"{row['seconds_cached']}",
            row["source"],
        )
        for row in hosting()["scale_outs"]
    ]
    return _table(("instance", "image GB", "weights GB", "s", "s, image cached", "source"), "lrrrrl", rows)


def downloads() -> str:
    """Return a table with the published downloads from the Hub."""
    rows = [
        (
            row["where"],
            f"{row['weights_gb']:g}",
            f"{row['seconds']:.0f}",
            f"{row['weights_gb'] * 1000 / row['seconds']:.0f}",
            row["source"],
        )
        for row in hosting()["hub_downloads"]
    ]
    return _table(("where", "weights GB", "s", "MB/s", "source"), "lrrrl", rows)


def _mechanism(starts: Starts, phase: EnginePhase) -> str:
    return _MECHANISM[phase].format(
        boot=starts.boot_seconds,
        warmup=starts.warmup_seconds,
        rate=starts.load_bytes_per_second / 1e9,
        compile=", ".join(f"{line.compile_seconds_per_layer:g} since {line.since}" for line in starts.lines),
        capture=", ".join(
            f"{line.capture_seconds_per_graph_and_layer * 1000:g} since {line.since}" for line in starts.lines
        ),
    )


def _error(starts: Starts, phase: EnginePhase, part: str) -> str:
    factors = [
        max(ratio, 1 / ratio)
        for row in starts.published
        if row.part == part and phase in row.seconds
        for ratio in [row.seconds[phase] / starts.expected_of(phase, row)]
    ]
    if not factors:
        return "none"
    return f"{len(factors)}: half within a factor of {median(factors):.2f}, worst {max(factors):.1f}"


def _measured(starts: Starts, row: PublishedStart, phase: EnginePhase) -> str:
    seconds = row.seconds.get(phase)
    return "" if seconds is None else f"{seconds:.3g} ({starts.expected_of(phase, row):.3g})"


def _table(titles: Sequence[str], sides: str, rows: Sequence[Sequence[str]]) -> str:
    rules = ["---:" if side == "r" else "---" for side in sides]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (titles, rules, *rows))
