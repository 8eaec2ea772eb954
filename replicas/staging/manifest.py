"""The manifest of staged weights: repository, commit, and every file under the prefix with its hashes."""

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
"""Value of `manifest_version`. Manifests of earlier versions have this number and no `schema`."""


@dataclass(frozen=True)
class StagedFile:
    """One staged file."""

    path: str
    size_bytes: int
    hub_id: str
    """Hash on the Hub: `sha256:...` for large files, `git-sha1:...` (git's blob id) for other files."""
    sha256: str | None
    """SHA-256 of the object in S3; None until it is uploaded."""


@dataclass(frozen=True)
class Manifest:
    """The content of a prefix. While `is_complete` is False, it is the planned content."""

    repository: str
    revision: str
    """Commit hash."""
    weights: str
    """S3 URL of the prefix, as used in `weights=`."""
    is_complete: bool
    kms_key: str | None
    files: tuple[StagedFile, ...]
    to_delete: tuple[str, ...] = ()
    """Paths of replaced files that are still to be deleted."""

    def staged(self, path: str, sha256: str) -> Manifest:
        """Return a copy of the manifest in which a file is marked as uploaded, with its hash."""
        return replace(
            self, files=tuple(replace(file, sha256=sha256) if file.path == path else file for file in self.files)
        )

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.staging.document.ManifestDocument`), as stored in S3."""
        return {"schema": _SCHEMA, "manifest_version": _VERSION, **asdict(self)}


def read_manifest(aws: Aws, destination: Destination) -> Manifest | None:
    """Read the manifest of a prefix; None without a manifest.

    Raises:
        OperationError: the object is not a manifest, or has a format that this version cannot read.

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
            f"{destination.manifest_url} is not a manifest that this version can read: use another prefix, or "
            f"delete the object"
        ) from None


def write_manifest(aws: Aws, destination: Destination, manifest: Manifest) -> None:
    """Write the manifest of a prefix to S3."""
    aws.client("s3").put_object(
        Bucket=destination.bucket,
        Key=destination.manifest_key,
        Body=json.dumps(manifest.to_document(), indent=2).encode(),
        ContentType="application/json",
        **encryption(manifest.kms_key),
    )


def encryption(kms_key: str | None) -> dict[str, Any]:
    """Return the S3 arguments for encryption with a KMS key. Without a key they are empty, and S3 uses the default
    encryption of the bucket.
    """
    if kms_key is None:
        return {}
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key, "BucketKeyEnabled": True}
