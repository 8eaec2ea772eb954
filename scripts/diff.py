"""Show what a change does to the deployed stacks: `cdk diff` of every stack between a revision and the working tree.

    python scripts/diff.py --base origin/main [--markdown FILE]

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
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scripts.diff_report import Report, as_markdown, as_text
from scripts.offline_cdk import cdk_diffs, synthesise
from scripts.processes import Command, ScriptError, one_line, run
from scripts.template_changes import Status, compare

WORKING_TREE = "the working tree"


def make_report(root: Path, base: str, *, colours: bool = False) -> Report:
    """Compare the working tree at `root` with the revision `base`.

    Raises:
        ScriptError: if there is no such revision, or one of the two cannot be synthesised.

    """
    if not (root / "cdk.json").is_file():
        raise ScriptError(f"no cdk.json in {root}")
    commit = find_commit(root, base)
    with tempfile.TemporaryDirectory(prefix="replicas-diff-") as folder:
        work = Path(folder)
        checkout = check_out(root, commit, work)
        base_has_app = (checkout / "cdk.json").is_file()
        sources = {WORKING_TREE: root} | ({base: checkout} if base_has_app else {})
        progress(f"synthesising {' and '.join(sources)} ...")
        stacks = synthesise(sources, work)
        new, old = stacks[WORKING_TREE], stacks.get(base, {})
        changes = compare(*({name: found.stack for name, found in side.items()} for side in (old, new)))
        changed = [change.name for change in changes if change.status is Status.CHANGED]
        if changed:
            progress(f"comparing {len(changed)} of {len(new)} stacks ...")
        diffs = cdk_diffs({name: (old[name], new[name]) for name in changed}, work, colours=colours)
    label = base if commit.startswith(base) else f"{base} ({commit[:10]})"
    return Report(label, len(new), changes, diffs, base_has_app)


def find_commit(root: Path, revision: str) -> str:
    """Return the id of the commit that `revision` names."""
    options = ["--verify", "--quiet", "--end-of-options"]
    (found,) = run([Command(["git", "rev-parse", *options, f"{revision}^{{commit}}"], root, os.environ)])
    if found.code:
        raise ScriptError(f"no revision {revision!r} in {root}: name a branch, a tag or a commit")
    return found.stdout.strip()


def check_out(root: Path, commit: str, work: Path) -> Path:
    """Write the files of a commit to a new folder of `work`, without a trace in the repository. Return the folder."""
    checkout, archive = work / "base", work / "base.tar"
    (packed,) = run([Command(["git", "archive", f"--output={archive}", commit], root, os.environ)])
    if packed.code:
        raise ScriptError(f"cannot check out {commit}: {one_line(packed.stderr)}")
    try:
        with tarfile.open(archive) as files:
            # Python before 3.11.4 has no filters; the archive is git's own, made a moment ago.
            safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            files.extractall(checkout, **safe)  # noqa: S202
    except tarfile.TarError as error:
        raise ScriptError(f"cannot check out {commit}: {one_line(str(error))}") from error
    if not (checkout / ".venv").exists():  # cdk.json starts the app with .venv/bin/python
        (checkout / ".venv").symlink_to(sys.prefix)
    return checkout


def progress(message: str) -> None:
    """Tell the user what takes time."""
    print(message, file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report for the project in the working directory, and return the exit code."""
    parser = argparse.ArgumentParser(description="Show what a change does to the deployed stacks, offline.")
    parser.add_argument("--base", required=True, metavar="REV", help="revision to compare the working tree with")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the report there as Markdown, too")
    options = parser.parse_args(arguments)
    colours = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    try:
        report = make_report(Path.cwd(), options.base, colours=colours)
        if options.markdown:
            options.markdown.write_text(as_markdown(report), encoding="utf-8")
    except (ScriptError, OSError) as error:
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
