"""Report which data files are out of date.

    python -m scripts.check_data [--offline]

A file that is generated from packages is stale if the installed packages would give different content. Newer versions
of these packages are reported, unless `--offline` is given. A price sheet or a file that is maintained by hand is stale
if it is older than three months, because AWS announces instance types and changes prices several times a year. Exit
code 1 if anything is stale.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from scripts import refresh_data

QUARTER_DAYS = 92
SOURCES = ("aiconfigurator-core", "botocore", "cfn-lint", "moto", "sagemaker-core")
"""Packages from which `refresh_data` generates files."""

Newest = Callable[[str], str | None]


@dataclass(frozen=True)
class Finding:
    """State of a file or package, and the change to make if it is out of date."""

    what: str
    state: str
    """`current`, `stale`, `newer` for a package with a newer version, `unknown` if no package index answers."""
    why: str

    def __str__(self) -> str:
        """Return the finding as one line of the report."""
        return f"{self.state:8} {self.what}: {self.why}"


def of_packages(folder: Path = refresh_data.REPLICAS) -> Iterator[Finding]:
    """Compare each file that `refresh_data` writes with the content that the installed packages give."""
    for name, content in refresh_data.contents().items():
        stored = json.loads((folder / name).read_bytes())
        fresh = json.loads(refresh_data.written(content(stored["retrieved"])))
        if stored == fresh:
            yield Finding(str(name), "current", f"generated from {stored['source']}, {stored['retrieved']}")
        else:
            yield Finding(
                str(name),
                "stale",
                f"the installed packages give different content ({fresh['source']}): run make refresh-data",
            )


def of_versions(newest: Newest) -> Iterator[Finding]:
    """Compare the installed version of each source package with the newest version."""
    for package in SOURCES:
        installed, published = version(package), newest(package)
        if published is None:
            yield Finding(package, "unknown", f"{installed} is installed, but no package index answers")
        elif published == installed:
            yield Finding(package, "current", f"{installed} is the newest version")
        else:
            why = f"{published} is published, {installed} is installed: run make lock, then make refresh-data"
            yield Finding(package, "newer", why)


def of_ages(today: date, folder: Path = refresh_data.REPLICAS) -> Iterator[Finding]:
    """Report the age of each file that is maintained by hand, and of each price sheet."""
    by_package = {folder / name for name in refresh_data.contents()}
    for file in sorted({*folder.rglob("data/*.json"), *folder.glob("engines/*/*.json")} - by_package):
        content = json.loads(file.read_bytes())
        name = str(file.relative_to(folder))
        if file.name == "prices.json":
            for table, remedy in (("hosting", "make refresh-prices REGIONS={region}"), ("services", _BY_HAND)):
                for sheet in content[table]:
                    place = f"{name}, {table}: {sheet['kind']} prices of {sheet['region']}"
                    yield _aged(place, sheet, today, remedy.format(**sheet))
        elif "retrieved" in content:
            yield _aged(name, content, today, _BY_HAND)


_BY_HAND = "compare the values with their sources, and update the date"


def _aged(what: str, content: dict[str, Any], today: date, remedy: str) -> Finding:
    days = (today - date.fromisoformat(content["retrieved"])).days
    if days > QUARTER_DAYS:
        return Finding(what, "stale", f"gathered on {content['retrieved']}, {days} days ago: {remedy}")
    return Finding(what, "current", f"gathered by hand on {content['retrieved']}")


def newest_version(package: str) -> str | None:
    """Return the newest version of a package in pip's index; None if the index does not respond."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "index",
        "versions",
        package,
        "--disable-pip-version-check",
        "--retries",
        "1",
    ]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)
    first, _, _ = asked.stdout.partition("\n")
    return first.partition("(")[2].partition(")")[0] or None


def main() -> None:
    """Print one line for each file, package and price sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--offline", action="store_true", help="do not ask for the newest versions of the packages")
    offline = parser.parse_args().offline
    findings = [*of_packages(), *of_ages(datetime.now(UTC).date())]
    if not offline:
        findings += of_versions(newest_version)
    print(*findings, sep="\n")
    sys.exit(any(finding.state == "stale" for finding in findings))


if __name__ == "__main__":
    main()
