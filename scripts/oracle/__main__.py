"""Ask the engine's own code: `make oracle`, or `python -m scripts.oracle --python PYTHON [PART ...]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from scripts.oracle import sizes

PARTS = {
    "sizes": sizes.refresh,
}
"""Each part takes the Python of the engine's environment."""


def main() -> None:
    """Run the parts that are named; by default all."""
    parser = argparse.ArgumentParser(prog="make oracle", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="Python of the engine's environment")
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"one of {', '.join(PARTS)}")
    given = parser.parse_args()
    for part in given.parts or PARTS:
        print(f"{part}: {PARTS[part](given.python)}")


if __name__ == "__main__":
    main()
