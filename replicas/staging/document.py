"""Shapes of the JSON documents of staging."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.staging.manifest import StagedFile


class FileDocument(TypedDict):
    """One file of a snapshot."""

    path: str
    size_bytes: int
    hub_id: str
    """Identity on the Hub: `sha256:...` of large files, `git-sha1:...` of the others."""
    sha256: str | None
    was_there: bool
    """The file lay in S3 already."""


class LeftOutDocument(TypedDict):
    """A file that is not staged."""

    path: str
    why: str


class SelectionDocument(TypedDict):
    """What both staging documents have."""

    repository: str
    revision: str
    """Commit of the repository."""
    weights: str
    """Prefix in S3, as `weights=` of deployments.py takes it."""
    manifest: str
    is_complete: bool
    kms_key: str | None
    files: list[FileDocument]
    left_out: list[LeftOutDocument]
    warnings: list[str]


class StagingDocument(SelectionDocument):
    """What would be staged: `replicas stage --dry-run --json`."""

    schema: Literal["replicas.staging/1"]
    bytes_to_send: int
    to_delete: list[str]


class StagedDocument(SelectionDocument):
    """What was staged."""

    schema: Literal["replicas.staged/1"]
    bytes_sent: int
    deleted: list[str]


class ManifestDocument(TypedDict):
    """The manifest beside staged weights in S3."""

    schema: Literal["replicas.manifest/1"]
    manifest_version: Literal[1]
    repository: str
    revision: str
    weights: str
    is_complete: bool
    kms_key: str | None
    files: list[StagedFile]
    to_delete: list[str]


class EndedUploadsDocument(TypedDict):
    """Unfinished uploads that were ended: `replicas stage --abort --json`."""

    schema: Literal["replicas.ended-uploads/1"]
    ended_uploads: int
