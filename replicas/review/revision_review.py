"""Reviews two revisions in one call, with their files in a temporary folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

from replicas.review.comparison import review
from replicas.review.result import Review
from replicas.review.revisions import open_revisions
from replicas.review.template_report import TemplateReport
from replicas.review.templates import compare_templates


def review_revisions(base: str, head: str | None = None, *, project: Path | None = None, diffs: bool = False) -> Review:
    """Compare the deployments of two revisions of a project.

    Args:
        base: revision to compare with: a branch, a tag, a commit.
        head: revision to review. Default: the working tree.
        project: folder of the project. Default: the current folder.
        diffs: whether to add the text of `cdk diff`.

    Raises:
        ReviewError: a revision does not exist or cannot be read.

    """
    with tempfile.TemporaryDirectory(prefix="replicas-review-") as folder:
        old, new = open_revisions(project or Path.cwd(), base, head, Path(folder))
        return review(old, new, Path(folder), diffs=diffs)


def diff_templates(
    base: str, head: str | None = None, *, project: Path | None = None, colours: bool = False
) -> TemplateReport:
    """Return the report with `cdk diff` of each stack that changes between two revisions."""
    with tempfile.TemporaryDirectory(prefix="replicas-review-") as folder:
        old, new = open_revisions(project or Path.cwd(), base, head, Path(folder))
        return compare_templates(old, new, Path(folder), colours=colours)
