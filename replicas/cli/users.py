"""`--users`, as `benchmark` and `forecast` take it."""

from __future__ import annotations

import typer

from replicas.forecast.loads import ARTICLE_USERS


def user_counts(text: str) -> list[int]:
    """The numbers of users, in rising order.

    Raises:
        BadParameter: it is no list of whole numbers.

    """
    if text == "article":
        return list(ARTICLE_USERS)
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise typer.BadParameter(f"--users {text!r}: whole numbers with commas between (100,200), or `article`")
    return sorted({int(part) for part in parts})
