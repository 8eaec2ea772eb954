"""Staging: copies the weights of one commit of a Hub repository to S3. Calls AWS and the Hub.

`stage_weights("mistral-7b", "s3://bucket/prefix/")` copies them; `prepare_staging` only plans the copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.staging.request import StagingRequest, end_unfinished_uploads, prepare_staging, stage_weights
    from replicas.staging.staging import Staging

__all__ = ["Staging", "StagingRequest", "end_unfinished_uploads", "prepare_staging", "stage_weights"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "request": ("StagingRequest", "end_unfinished_uploads", "prepare_staging", "stage_weights"),
        "staging": ("Staging",),
    },
)
