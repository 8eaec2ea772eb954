"""Reads the example programs in docs/constructs.md."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "constructs.md"
_PROGRAM = re.compile(r"<!-- program: (\w+) -->\n```python\n(.*?)```", re.DOTALL)


def programs() -> dict[str, str]:
    """Return the source of every program on the page, by name."""
    return dict(_PROGRAM.findall(PAGE.read_text()))
