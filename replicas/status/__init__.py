"""Status of a deployment, test requests to it, and drift from its template. Calls AWS.

`read_status("llama-2-13b")` reads the status; with `probe_seconds` it also sends each component a short request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.status.reading import read_status
    from replicas.status.status import Status

__all__ = ["Status", "read_status"]

__getattr__, __dir__ = lazy_names(__name__, {"reading": ("read_status",), "status": ("Status",)})
