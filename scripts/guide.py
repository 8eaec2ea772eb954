"""The programs of docs/constructs.md, by name."""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "constructs.md"
_PROGRAM = re.compile(r"<!-- program: (\w+) -->\n```python\n(.*?)```", re.DOTALL)


def programs() -> dict[str, str]:
    """Return the text of every program that the page shows."""
    return dict(_PROGRAM.findall(PAGE.read_text()))
