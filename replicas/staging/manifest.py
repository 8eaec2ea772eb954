"""The manifest of staged weights: which commit of which repository lies under a prefix, file by file, with hashes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws, error_code
from replicas.errors import OperationError
from replicas.staging.bucket import Destination

_SCHEMA = "replicas.manifest/1"
_VERSION = 1
"""Older manifests carry this number alone."""


@dataclass(frozen=True)
class StagedFile:
    """One file."""

    path: str
    size_bytes: int
    hub_id: str
    """What the Hub says that it is: `sha256:...` of large files, `git-sha1:...` (git's id of a blob) of the others."""
    sha256: str | None
    """Of what lies in S3; None until the file does."""


@dataclass(frozen=True)
class Manifest:
    """What lies under a prefix, or is on its way there."""

    repository: str
    revision: str
    """The commit."""
    weights: str
    """The prefix, as `weights=` takes it."""
    is_complete: bool
    kms_key: str | None
    files: tuple[StagedFile, ...]
    to_delete: tuple[str, ...] = ()
    """Paths of what this replaces, while it does."""

    def staged(self, path: str, sha256: str) -> Manifest:
        """With the hash of a file that now lies there."""
        return replace(
            self, files=tuple(replace(file, sha256=sha256) if file.path == path else file for file in self.files)
        )

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.staging.document.ManifestDocument`), as it lies in S3."""
        return {"schema": _SCHEMA, "manifest_version": _VERSION, **asdict(self)}


def read_manifest(aws: Aws, destination: Destination) -> Manifest | None:
    """The manifest beside a prefix; None where there is none.

    Raises:
        OperationError: what lies there is no manifest, or one of a later version.

    """
    try:
        body = aws.client("s3").get_object(Bucket=destination.bucket, Key=destination.manifest_key)["Body"].read()
    except ClientError as fault:
        if error_code(fault) == "NoSuchKey":
            return None
        raise
    try:
        document = json.loads(body)
        if document.pop("schema", _SCHEMA) != _SCHEMA or document.pop("manifest_version") != _VERSION:
            raise ValueError
        document["files"] = tuple(StagedFile(**file) for file in document["files"])
        return Manifest(**{**document, "to_delete": tuple(document["to_delete"])})
    except (ValueError, KeyError, TypeError, AttributeError):
        raise OperationError(
            f"{destination.manifest_url} is no manifest that this version reads: another prefix, or remove it"
        ) from None


def write_manifest(aws: Aws, destination: Destination, manifest: Manifest) -> None:
    """Put the manifest beside its prefix."""
    aws.client("s3").put_object(
        Bucket=destination.bucket,
        Key=destination.manifest_key,
        Body=json.dumps(manifest.to_document(), indent=2).encode(),
        ContentType="application/json",
        **encryption(manifest.kms_key),
    )


def encryption(kms_key: str | None) -> dict[str, Any]:
    """How S3 is told to encrypt; without a key it is left to the bucket's default (SSE-S3 where nothing is set)."""
    if kms_key is None:
        return {}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key, "BucketKeyEnabled": True}
