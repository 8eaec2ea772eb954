"""Shell completion of argument values."""

from __future__ import annotations

import contextlib
import io


def deployment_names(incomplete: str) -> list[str]:
    """Return the deployment names that begin with `incomplete`; empty if deployments.py cannot be read."""
    from replicas.deployment.file import read_entries
    from replicas.errors import CatalogueError

    with contextlib.redirect_stdout(io.StringIO()):  # output of deployments.py must not appear as a completion
        try:
            entries = read_entries()
        except CatalogueError:
            return []
    return [str(entry.name) for entry in entries if entry.name and str(entry.name).startswith(incomplete)]
