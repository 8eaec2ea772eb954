"""Values that a shell offers for an argument."""

from __future__ import annotations

import contextlib
import io


def deployment_names(incomplete: str) -> list[str]:
    """Return the names of the deployments of deployments.py that begin with a text; empty if it cannot be read."""
    from replicas.deployment.file import read_entries
    from replicas.errors import CatalogueError

    with contextlib.redirect_stdout(io.StringIO()):  # text that the file prints is not a completion
        try:
            entries = read_entries()
        except CatalogueError:
            return []
    return [str(entry.name) for entry in entries if entry.name and str(entry.name).startswith(incomplete)]
