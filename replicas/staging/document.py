"""Types of the JSON documents of staging."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.staging.manifest import StagedFile


class FileDocument(TypedDict):
    """One file of the staged commit."""

    path: str
    size_bytes: int
    hub_id: str
    """Hash on the Hub: `sha256:...` for large files, `git-sha1:...` for other files."""
    sha256: str | None
    was_there: bool
    """True if the file was already in S3."""


class LeftOutDocument(TypedDict):
    """A file of the repository that is not staged."""

    path: str
    why: str


class SelectionDocument(TypedDict):
    """Keys shared by `StagingDocument` and `StagedDocument`."""

    repository: str
    revision: str
    """Commit hash."""
    weights: str
    """S3 URL of the prefix, as used in `weights=` of deployments.py."""
    manifest: str
    is_complete: bool
    kms_key: str | None
    files: list[FileDocument]
    left_out: list[LeftOutDocument]
    warnings: list[str]


class StagingDocument(SelectionDocument):
    """A planned staging: `replicas stage --dry-run --json`."""

    schema: Literal["replicas.staging/1"]
    bytes_to_send: int
    to_delete: list[str]


class StagedDocument(SelectionDocument):
    """A completed staging: `replicas stage --json`."""

    schema: Literal["replicas.staged/1"]
    bytes_sent: int
    deleted: list[str]


class ManifestDocument(TypedDict):
    """The manifest of staged weights in S3."""

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
    """Number of aborted multipart uploads: `replicas stage --abort --json`."""

    schema: Literal["replicas.ended-uploads/1"]
    ended_uploads: int
