"""Write the table of docs/updates.md, the effect of changing each property, for `make docs`."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.stacks.updates import PAGE, rows

CONTEXT = json.loads((Path(__file__).parent.parent / "cdk.json").read_text())["context"]


def main() -> None:
    """Write the table."""
    lines = [f"| `{name}` | {effect} |" for name, effect in sorted(rows(CONTEXT).items())]
    table = "\n".join(["| property | effect |", "|---|---|", *lines])
    page = re.sub(
        r"(<!-- updates -->\n).*?(<!-- end -->)",
        lambda match: f"{match[1]}{table}\n{match[2]}",
        PAGE.read_text(),
        flags=re.DOTALL,
    )
    PAGE.write_text(page)


if __name__ == "__main__":
    main()
