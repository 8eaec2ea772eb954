"""Compare the forecast with published runs, print the errors, and store them.

    python -m scripts.exam

The results are written to replicas/forecast/exam.json. The confidence classes and docs/forecast.md read this file.
"""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console

from replicas.cli.tables.columns import Table
from scripts.exam import report, results


def main() -> None:
    """Run the exam."""
    content = results.results(datetime.now(UTC).date().isoformat())
    results.PATH.write_text(results.written(content))
    runs = content["runs"]
    console = Console(width=200, soft_wrap=True)
    for columns, rows in (
        (report.GROUP_COLUMNS, report.group_rows(runs)),
        (report.RUN_COLUMNS, report.run_rows(runs, 20)),
        (report.GOAL_COLUMNS, report.goal_rows(runs)),
    ):
        table = Table(*columns)
        for row in rows:
            table.add_row(*row)
        console.print(table)
        console.print()
    print(report.overload_line(runs))


if __name__ == "__main__":
    main()
