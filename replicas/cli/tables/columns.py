"""Tables that never truncate a number or a name. Columns that do not fit are omitted and listed below the table.

If the required columns are wider than the terminal, the table becomes a list with one line per value. A value that does
not fit beside its title is printed below the title.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from replicas.cli.colours import style_of_state
from replicas.cli.lines import Line
from replicas.escaping import log_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.table import Table as RichTable

_LEAST_PROSE = 24
"""Minimum width of a column whose text may wrap, in characters."""


class Table:
    """A table that adapts to the width of the terminal when it is printed."""

    def __init__(
        self,
        *columns: str,
        may_go: Sequence[str] = (),
        prose: Collection[str] = (),
        states: Collection[str] = (),
        is_ruled: bool = True,
        records_are_columns: bool = False,
    ) -> None:
        """Create an empty table.

        Args:
            columns: titles of the columns. A column whose title starts with `>` is right-aligned.
            may_go: titles of columns that may be omitted, in this order. Columns with the same title are omitted
                together.
            prose: titles of columns whose text may wrap between words.
            states: titles of columns that contain states, which are coloured.
            is_ruled: whether a line separates the titles from the rows.
            records_are_columns: whether a list groups the values by column instead of by row.

        """
        self._titles = [log_line(column.removeprefix(">")) for column in columns]
        self._right = [column.startswith(">") for column in columns]
        self._may_go = [self._columns_of(title) for title in may_go]
        self._prose = {index for index, title in enumerate(self._titles) if title in prose}
        self._states = {index for index, title in enumerate(self._titles) if title in states}
        self._is_ruled = is_ruled
        self._records_are_columns = records_are_columns
        self._rows: list[tuple[str, ...]] = []

    def add_row(self, *cells: str) -> None:
        """Add a row with one cell for each column. Line breaks in a cell are escaped."""
        if len(cells) != len(self._titles):
            raise ValueError(f"{len(cells)} cells for {len(self._titles)} columns")
        self._rows.append(tuple(map(log_line, cells)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the table with the columns that fit, or a list."""
        from rich.text import Text

        shown = self._fitting(options.max_width)
        if shown is None:
            for line in self._list(options.max_width):
                yield Line(line)
            return
        yield self._rendered(shown)
        hidden = dict.fromkeys(title for index, title in enumerate(self._titles) if index not in shown)
        if hidden:
            everything = self._width(range(len(self._titles)))
            yield Text(
                f"Left out at {options.max_width} columns: {', '.join(hidden)}. COLUMNS={everything} shows all columns."
            )

    def _columns_of(self, title: str) -> list[int]:
        columns = [index for index, other in enumerate(self._titles) if other == title]
        if not columns:
            raise ValueError(f"no column is titled {title!r}")
        return columns

    def _fitting(self, width: int) -> list[int] | None:
        """Return the indices of the columns that fit, in order; None if the required columns do not fit."""
        movable = {index for group in self._may_go for index in group}
        shown = [index for index in range(len(self._titles)) if index not in movable]
        if self._width(shown) > width:
            return None
        for group in reversed(self._may_go):
            if self._width([*shown, *group]) <= width:
                shown += group
        return sorted(shown)

    def _width(self, shown: Iterable[int]) -> int:
        """Return the minimum width of the table if only the columns in `shown` are printed."""
        widths = [self._column_width(index) for index in shown]
        gap, edges = (3, 2) if self._is_ruled else (2, 0)
        return sum(widths) + gap * (len(widths) - 1) + edges

    def _column_width(self, index: int) -> int:
        from rich.cells import cell_len

        texts = [self._titles[index], *(row[index] for row in self._rows)]
        whole = max(map(cell_len, texts))
        if index not in self._prose:
            return whole
        longest_word = max((cell_len(word) for text in texts for word in text.split()), default=0)
        return max(longest_word, min(whole, _LEAST_PROSE))

    def _rendered(self, shown: Sequence[int]) -> RichTable:
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text  # keeps brackets from being read as markup

        table = RichTable(box=box.SIMPLE_HEAD if self._is_ruled else None, pad_edge=False)
        for index in shown:
            table.add_column(
                Text(self._titles[index]),
                justify="right" if self._right[index] else "left",
                no_wrap=index not in self._prose,
                min_width=self._column_width(index),
            )
        for row in self._rows:
            table.add_row(
                *(Text(row[index], style_of_state(row[index]) if index in self._states else "") for index in shown)
            )
        return table

    def _list(self, width: int) -> Iterator[str]:
        """Yield the table as a list: the first value of each record, then one or two lines per further value."""
        rows = [tuple(self._titles), *self._rows]
        records = list(zip(*rows, strict=True)) if self._records_are_columns else rows
        titles, *entries = records
        if self._records_are_columns:
            yield titles[0]
        for head, *values in entries:
            if head and not self._records_are_columns:
                yield from _named(titles[0], head, "", width)
            elif head:
                yield head
            for title, value in zip(titles[1:], values, strict=True):
                if value:
                    yield from _named(f"{title}:" if title else "", value, "  ", width)


def _named(title: str, value: str, indent: str, width: int) -> Iterator[str]:
    from rich.cells import cell_len

    line = f"{indent}{title} {value}" if title else f"{indent}{value}"
    if title and cell_len(line) > width:
        yield f"{indent}{title}"
        yield f"{indent}  {value}"
    else:
        yield line
