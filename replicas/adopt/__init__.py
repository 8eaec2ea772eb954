"""Takes over a live endpoint: writes its entry for deployments.py, checks the entry, and prepares the files of `cdk
import`. Calls AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.adopt.adoption import Adoption, adopt
    from replicas.adopt.files import write_files

__all__ = ["Adoption", "adopt", "write_files"]

__getattr__, __dir__ = lazy_names(__name__, {"adoption": ("Adoption", "adopt"), "files": ("write_files",)})
