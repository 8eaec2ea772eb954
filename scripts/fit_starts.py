"""Fit the constants of start-ups to the published rows marked `fitted`, and write them into each `starts.json`.

Each constant is the median over the rows: one for each phase, but for compilation and graph capture one for each range
of engine versions (`lines`). Units: seconds for process start and warm-up, bytes per second
and accelerator for loading, seconds per layer for compilation, seconds per graph and layer for graph capture. Rows
marked `judged` are used only for comparison (docs/cold-start.md).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from packaging.version import Version

ENGINES = Path(__file__).parents[1] / "replicas" / "engines"


def main() -> None:
    """Write the constants. With `--check`, write nothing and exit with code 1 if a file has different constants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if constants differ")
    check = parser.parse_args().check
    for path in sorted(ENGINES.glob("*/starts.json")):
        document = json.loads(path.read_text())
        renewed = fitted(document)
        if renewed != document:
            if check:
                sys.exit(f"{path}: the constants do not match the rows: run `python -m scripts.fit_starts`")
            path.write_text(json.dumps(renewed, indent=1) + "\n")
            print(path)


def fitted(document: dict[str, Any]) -> dict[str, Any]:
    """Return the document with constants that are fitted to its rows."""
    rows = [row for row in document["published"] if row["part"] == "fitted"]

    def seconds(phase: str) -> float:
        return float(round(median(row["seconds"][phase] for row in rows if phase in row["seconds"]), 1))

    lines = []
    for number, line in enumerate(document["lines"]):
        later = [other["since"] for other in document["lines"][number + 1 :]]
        own = [
            row
            for row in rows
            if Version(row["version"]) >= Version(line["since"])
            and not any(Version(row["version"]) >= Version(since) for since in later)
        ]
        of_layer = median(row["seconds"]["compile"] / row["layers"] for row in own if "compile" in row["seconds"])
        of_graph = median(
            row["seconds"]["capture"] / row["layers"] / row["graphs"] for row in own if "capture" in row["seconds"]
        )
        lines.append(
            {
                **line,
                "compile_seconds_per_layer": float(f"{of_layer:.3g}"),
                "capture_seconds_per_graph_and_layer": float(f"{of_graph:.3g}"),
            }
        )
    rate = median(
        row["weights_gb"] * 1e9 / row["accelerators"] / row["seconds"]["load"]
        for row in rows
        if "load" in row["seconds"]
    )
    return {
        **document,
        "boot_seconds": seconds("boot"),
        "warmup_seconds": seconds("warmup"),
        "load_bytes_per_second": float(f"{rate:.3g}"),
        "lines": lines,
    }


if __name__ == "__main__":
    main()
