"""Table cells about generated tokens, which do not apply to models that embed or score."""

from __future__ import annotations

from collections.abc import Sequence

from replicas.catalogue.tasks import Task

_COLUMNS = frozenset({"TTFT p50 s", "TTFT p90 s", "ITL p50 ms", "tokens/s", "USD / M tokens"})
"""Titles of the columns about generated tokens."""


def cells_of_task(titles: Sequence[str], cells: Sequence[str], task: Task) -> list[str]:
    """Return the cells of a row, with `n/a` under the titles that do not apply to a task."""
    if task == "generate":
        return list(cells)
    return ["n/a" if title in _COLUMNS else cell for title, cell in zip(titles, cells, strict=True)]


def task_lines(task: Task) -> list[str]:
    """Return a line for the end of a table that explains `n/a` in the cells; empty if the component generates text."""
    if task == "generate":
        return []
    return [
        f"n/a: a component with task={task!r} generates no tokens, so it has no TTFT, no time between tokens and no "
        "price per token"
    ]
