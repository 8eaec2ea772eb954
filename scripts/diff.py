"""Show what a change does to the deployed stacks: `cdk diff` of every stack between a revision and the working tree.

    python scripts/diff.py --base origin/main

Both are synthesised, the base from a temporary checkout that is removed again whatever happens. No account is asked:
the environment holds no credentials while the app and the CLI run, and the CLI compares two files. The exit code is 0
with and without differences, 1 if one of the two cannot be synthesised.

The base is synthesised with the packages of this virtual environment, not with those that its own requirements name.
Its own modules are its own, though: its checkout comes first on PYTHONPATH, and what the editable install of this
project puts on the path is taken off it.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from replicas.errors import ReviewError
from replicas.review.diff_report import Report, as_text
from replicas.review.processes import one_line
from replicas.review.revisions import open_revisions
from replicas.review.templates import compare_templates


def make_report(root: Path, base: str, *, colours: bool = False) -> Report:
    """Compare the working tree at `root` with the revision `base`.

    Raises:
        ReviewError: if there is no such revision, or one of the two cannot be synthesised.

    """
    if not (root / "cdk.json").is_file():
        raise ReviewError(f"no cdk.json in {root}")
    with tempfile.TemporaryDirectory(prefix="replicas-diff-") as folder:
        old, new = open_revisions(root, base, None, Path(folder))
        return compare_templates(old, new, Path(folder), colours=colours)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report for the project in the working directory, and return the exit code."""
    parser = argparse.ArgumentParser(description="Show what a change does to the deployed stacks, offline.")
    parser.add_argument("--base", required=True, metavar="REV", help="revision to compare the working tree with")
    options = parser.parse_args(arguments)
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    try:
        report = make_report(Path.cwd(), options.base, colours=colours)
    except (ReviewError, OSError) as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        return 1
    print(as_text(report, colours=colours), end="")
    return 0


if __name__ == "__main__":
    # An end asked for with SIGTERM (a cancelled CI job) cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
