"""Writes the page of deployments: an overview, one section for each deployment, and changes against a revision."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from markupsafe import Markup

from replicas.deployment import file as catalogue
from replicas.deployment.file import Entry
from replicas.errors import CatalogueError, OperationError
from replicas.installation import __version__
from replicas.pages import write_page
from replicas.report.changes import Changes, changes_of
from replicas.report.sections import Section, section_of
from replicas.report.what_if import NARROW, WIDE
from replicas.units import HOURS_PER_MONTH

_FOLDER = Path(__file__).parent
_TEMPLATE = _FOLDER / "templates" / "report.html.jinja"
FEW = 4
"""Maximum number of deployments for full-length forecasts and a what-if with many layouts."""
_REQUESTS = 15
"""Simulated duration of the forecasts on a page with more than `FEW` deployments. It is given as the number of requests
that an idle copy answers one after the other in this time."""

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, kw_only=True)
class Report:
    """Result of `write_report`: the path and the contents of the page."""

    path: Path
    sections: tuple[Section, ...]
    changes: Changes | None

    @property
    def is_proven(self) -> bool:
        """True if every deployment fits and, with a base revision, the working tree can also be synthesised."""
        fits = self.changes is None or self.changes.review.fits
        return fits and all(section.is_planned for section in self.sections)


def write_report(
    names: Sequence[str],
    folder: Path,
    *,
    base: str | None = None,
    progress: Progress = lambda _phase, _done, _all: None,
) -> Report:
    """Write `index.html` to a folder.

    Args:
        names: deployments of deployments.py; empty for all.
        folder: folder of the page; created if it does not exist.
        base: revision with which the working tree is compared; None to compare with nothing.
        progress: called with the name of the phase, the number of its finished steps and the number of all its steps.

    Raises:
        CatalogueError: deployments.py is missing or faulty, or lacks a name. The message lists all faults.
        ReviewError: the revision does not exist or cannot be read.
        OperationError: the path of the folder, or a part of it, is a file.

    """
    existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not existing.is_dir():
        raise OperationError(f"--output {folder}: {existing} is a file: name a folder")
    entries = _chosen(names)
    changes = None
    if base is not None:
        from replicas.review.revision_review import review_revisions

        progress("comparing revisions", 0, 1)
        changes = changes_of(review_revisions(base), names)
    sections = tuple(_sections(entries, progress))
    progress("writing", 0, 1)
    path = folder / "index.html"
    write_page(
        path,
        _TEMPLATE,
        scripts=[_FOLDER / "what_if.js"],
        sections=sections,
        parts_of_page=[Markup(section.html) for section in sections],  # noqa: S704 (rendered by `section_of`)
        changes=changes,
        totals=[sum(section.usd_per_hour[bound] or 0.0 for section in sections) for bound in range(3)],
        hours_per_month=HOURS_PER_MONTH,
        version=__version__,
        few=len(sections) <= FEW,
    )
    progress("done", 1, 1)
    return Report(path=path, sections=sections, changes=changes)


def _chosen(names: Sequence[str]) -> list[Entry]:
    """Return the named entries in the given order, or all entries if no name is given."""
    if not names:
        return catalogue.read_entries()
    faults, chosen = [], []
    for name in dict.fromkeys(names):
        try:
            chosen.append(catalogue.find_deployment(name))
        except CatalogueError as fault:
            faults.append(str(fault))
    if faults:
        raise CatalogueError("\n".join(faults))
    return list(chosen)


def _sections(entries: Sequence[Entry], progress: Progress) -> Iterator[Section]:
    """Yield the sections in order. Many sections are computed in parallel, with one process for each core."""
    few = len(entries) <= FEW
    make = partial(section_of, extent=WIDE if few else NARROW, requests=None if few else _REQUESTS)
    workers = min(os.cpu_count() or 1, len(entries))
    if few or workers == 1:
        for done, entry in enumerate(entries):
            progress("forecasting", done, len(entries))
            yield make(entry)
        return
    with ProcessPoolExecutor(workers) as pool:
        for done, section in enumerate(pool.map(make, entries)):
            progress("forecasting", done, len(entries))
            yield section
