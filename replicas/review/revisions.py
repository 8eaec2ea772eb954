"""Opens the two revisions of a review. Each is a commit in a new folder, or the working tree."""

from __future__ import annotations

import os
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replicas.errors import ReviewError
from replicas.review.offline_cdk import prepare
from replicas.review.processes import Command, one_line, run

WORKING_TREE = "the working tree"


@dataclass(frozen=True)
class Revision:
    """The folder of a revision, and the label of the revision in messages."""

    label: str
    folder: Path

    @property
    def has_app(self) -> bool:
        """Whether the revision has a CDK app (cdk.json)."""
        return (self.folder / "cdk.json").is_file()


def open_revisions(root: Path, base: str, head: str | None, work: Path) -> tuple[Revision, Revision]:
    """Open two revisions of the repository at `root`, with their files in the empty folder `work`.

    Without `head`, the second revision is the working tree of the repository.

    Raises:
        ReviewError: a revision does not exist.

    """
    prepare(work)
    named = [(name, find_commit(root, name)) for name in ((base,) if head is None else (base, head))]
    revisions = [
        Revision(
            name if commit.startswith(name) else f"{name} ({commit[:10]})",
            check_out(root, commit, work / ("base", "head")[index]),
        )
        for index, (name, commit) in enumerate(named)
    ]
    return revisions[0], revisions[1] if head is not None else Revision(WORKING_TREE, root)


def find_commit(root: Path, revision: str) -> str:
    """Return the commit id of a branch, tag or commit."""
    options = ["--verify", "--quiet", "--end-of-options"]
    in_english = {**os.environ, "LC_ALL": "C"}
    (finished,) = run([Command(["git", "rev-parse", *options, f"{revision}^{{commit}}"], root, in_english)])
    if "not a git repository" in finished.stderr:
        raise ReviewError(f"{root} is not in a git repository: run the command in a folder that git tracks")
    if finished.code:
        raise ReviewError(f"no revision {revision!r} in {root}: name a branch, a tag or a commit")
    return finished.stdout.strip()


def check_out(root: Path, commit: str, checkout: Path) -> Path:
    """Write the files of a commit to a new folder. The repository is not changed. Return the folder."""
    archive = checkout.with_suffix(".tar")
    (packed,) = run([Command(["git", "archive", f"--output={archive}", commit], root, os.environ)])
    if packed.code:
        raise ReviewError(f"cannot check out {commit}: {one_line(packed.stderr)}")
    try:
        with tarfile.open(archive) as files:
            # Python before 3.11.4 has no filters; this archive is safe, because git has just written it.
            safe: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
            files.extractall(checkout, **safe)  # noqa: S202
    except tarfile.TarError as error:
        raise ReviewError(f"cannot check out {commit}: {one_line(str(error))}") from error
    if not (checkout / ".venv").exists():  # cdk.json starts the app with .venv/bin/python
        (checkout / ".venv").symlink_to(sys.prefix)
    return checkout
