"""Compares the project with the engine's own code: `make oracle`, or `python -m scripts.oracle --python PYTHON [PART
...]`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from scripts.oracle import arguments, serving, sizes

PARTS = {"arguments": arguments.check, "serving": serving.compare, "sizes": sizes.refresh}
"""Functions by part. Each takes the path of Python in the engine's environment and returns a summary of the result."""


def main() -> None:
    """Run the named parts. Default: all parts."""
    parser = argparse.ArgumentParser(prog="python -m scripts.oracle", description=__doc__)
    parser.add_argument("--python", type=Path, required=True, help="Python of the engine's environment")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    given = parser.parse_args()
    unknown = [part for part in given.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {unknown[0]!r}: use one of {', '.join(PARTS)}")
    for part in given.parts or PARTS:
        print(f"{part}: {PARTS[part](given.python)}", flush=True)


if __name__ == "__main__":
    main()
