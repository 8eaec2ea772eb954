"""`replicas stage`: copies the weights of one commit of a Hub repository to S3, so that containers need no Hub
access.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.session import Aws, error_code, explain
from replicas.catalogue.hub import Hub, HubFile, Snapshot
from replicas.errors import OperationError, ReplicasError
from replicas.staging.bucket import Destination, examine_bucket, objects_under
from replicas.staging.manifest import Manifest, StagedFile, read_manifest, write_manifest
from replicas.staging.selection import Selection, select
from replicas.staging.upload import OpenUpload, Progress, Uploader, abort, hub_id, open_uploads

Tell = Callable[[str], None]
_MOST_NAMED = 5


@dataclass(frozen=True)
class Staging:
    """A planned staging: files, destination, and the state of the destination."""

    snapshot: Snapshot
    selection: Selection
    destination: Destination
    kms_key: str | None
    present: dict[str, str]
    """SHA-256 of the selected files that are already in S3, by path."""
    to_delete: tuple[str, ...]
    """Paths of files from an earlier staging that will be deleted."""
    goes_on: bool
    """True if the existing manifest has the same repository, commit and KMS key: interrupted uploads can continue."""
    warnings: tuple[str, ...]

    @property
    def waiting(self) -> list[HubFile]:
        """Files that are still to be uploaded."""
        return [file for file in self.selection.files if file.path not in self.present]

    @property
    def bytes_waiting(self) -> int:
        """Total size of the files that are still to be uploaded, bytes."""
        return sum(file.size_bytes for file in self.waiting)


def prepare(
    aws: Aws,
    hub: Hub,
    repository: str,
    destination: Destination,
    *,
    revision: str | None = None,
    kms_key: str | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    replace_other: bool = False,
) -> Staging:
    """Resolve the commit, select the files and check the bucket. Changes nothing.

    Raises:
        OperationError: the bucket or the repository cannot be used, or the prefix has other objects.

    """
    faults: list[str] = []
    warnings: list[str] = []
    snapshot = selection = None
    try:
        warnings += examine_bucket(aws, destination.bucket)
    except (ClientError, BotoCoreError) as fault:
        faults.append(str(explain(fault)))
    except OperationError as error:
        faults.append(str(error))
    try:
        snapshot = hub.snapshot(repository, revision)
        selection = _selected(hub, snapshot, include, exclude)
    except ReplicasError as error:
        faults.append(str(error))
    if faults or snapshot is None or selection is None:
        raise OperationError("\n".join(faults))
    former = read_manifest(aws, destination)
    to_delete = _cleared(aws, destination, snapshot, selection, former, replace_other)
    return Staging(
        snapshot=snapshot,
        selection=selection,
        destination=destination,
        kms_key=kms_key,
        present=_present(aws, destination, selection.files, kms_key),
        to_delete=to_delete,
        goes_on=former is not None and _is_same(former, snapshot) and former.kms_key == kms_key,
        warnings=(*warnings, *selection.warnings, *_notes(kms_key, destination)),
    )


def stage(aws: Aws, hub: Hub, staging: Staging, *, progress: Progress, tell: Tell) -> Manifest:
    """Upload the missing files and write the manifest. A second run continues after an interruption.

    Raises:
        OperationError: the hash of a file differs from the Hub's.
        HubError: a file cannot be read completely.

    """
    destination = staging.destination
    files = tuple(
        StagedFile(file.path, file.size_bytes, hub_id(file), staging.present.get(file.path))
        for file in staging.selection.files
    )
    manifest = Manifest(
        repository=staging.snapshot.repository,
        revision=staging.snapshot.commit,
        weights=destination.url,
        is_complete=False,
        kms_key=staging.kms_key,
        files=files,
        to_delete=staging.to_delete,
    )
    write_manifest(aws, destination, manifest)  # written first, so that a later run recognises the prefix
    begun = _unfinished_uploads(aws, staging, tell)
    uploader = Uploader(aws, hub, staging.snapshot, destination, staging.kms_key, progress)
    for file in staging.waiting:
        manifest = manifest.staged(file.path, uploader.put(file, begun.get(file.path)))
        tell(f"{file.path}: {file.size_bytes:,} bytes, hash verified")
    _delete(aws, destination, staging.to_delete, tell)
    manifest = replace(manifest, is_complete=True, to_delete=())
    write_manifest(aws, destination, manifest)
    return manifest


def end_uploads(aws: Aws, destination: Destination) -> int:
    """Abort all unfinished multipart uploads under a prefix; return their number."""
    uploads = open_uploads(aws.client("s3"), destination)
    for upload in uploads:
        abort(aws.client("s3"), destination.bucket, upload)
    return len(uploads)


# ---- preparation


def _selected(hub: Hub, snapshot: Snapshot, include: Sequence[str], exclude: Sequence[str]) -> Selection:
    def read(file: HubFile) -> bytes:
        if file.path not in contents:
            contents[file.path] = bytes(hub.read(snapshot, file, 0, file.size_bytes))
        return contents[file.path]

    contents: dict[str, bytes] = {}
    return select(snapshot.files, read, include, exclude)


def _is_same(manifest: Manifest, snapshot: Snapshot) -> bool:
    return (manifest.repository, manifest.revision) == (snapshot.repository, snapshot.commit)


def _cleared(
    aws: Aws,
    destination: Destination,
    snapshot: Snapshot,
    selection: Selection,
    former: Manifest | None,
    replace_other: bool,
) -> tuple[str, ...]:
    """Return the paths of the files of earlier stagings to delete from the prefix.

    Raises:
        OperationError: the prefix has objects that no staging wrote, or files would be deleted without --replace.

    """
    chosen = {file.path for file in selection.files}
    existing = {path for path, _ in objects_under(aws, destination)}
    ours = {*(file.path for file in former.files), *former.to_delete} if former else set()
    other_objects = sorted(existing - chosen - ours)
    if other_objects:
        raise OperationError(
            f"{destination.url} contains {_named(other_objects)}: engines load every object under the prefix, and "
            f"`replicas stage` did not create these objects: use another prefix, or delete them first"
        )
    if former and not _is_same(former, snapshot) and not replace_other:
        raise OperationError(
            f"{destination.url} contains {former.repository} at {former.revision}, but this run stages "
            f"{snapshot.repository} at "
            f"{snapshot.commit}; copies that start during the upload would load a mixture: use another prefix, or "
            f"replace them with --replace"
        )
    stale = sorted((existing - chosen) & ours)
    if stale and not replace_other:
        raise OperationError(
            f"{destination.url} contains {_named(stale)} of an earlier run that this run does not select: add them "
            f"with --include, or delete them with --replace"
        )
    return tuple(stale)


def _named(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:_MOST_NAMED])
    return shown if len(paths) <= _MOST_NAMED else f"{shown} and {len(paths) - _MOST_NAMED} more"


def _present(aws: Aws, destination: Destination, files: Sequence[HubFile], kms_key: str | None) -> dict[str, str]:
    """Return the SHA-256, by path, of files already in S3 with the right size, hash and encryption."""
    sizes = dict(objects_under(aws, destination))
    hashes = {}
    for file in files:
        if sizes.get(file.path) != file.size_bytes:
            continue
        head = aws.client("s3").head_object(Bucket=destination.bucket, Key=destination.prefix + file.path)
        metadata = head.get("Metadata", {})
        # The user can give the key's id or alias. S3 reports its ARN.
        key = head.get("SSEKMSKeyId", "")
        is_encrypted_so = kms_key is None or key.rpartition("/")[2] == _key_id(aws, kms_key)
        if metadata.get("hub-id") == hub_id(file) and "sha256" in metadata and is_encrypted_so:
            hashes[file.path] = metadata["sha256"]
    return hashes


def _key_id(aws: Aws, kms_key: str) -> str:
    """Return the id of a KMS key that is given as id, ARN or alias."""
    if "alias/" in kms_key:
        return str(aws.client("kms").describe_key(KeyId=kms_key)["KeyMetadata"]["KeyId"])
    return kms_key.rpartition("/")[2]


def _notes(kms_key: str | None, destination: Destination) -> list[str]:
    if kms_key is None:
        return []
    return [
        f"the weights are encrypted with {kms_key}: the endpoint's execution role needs kms:Decrypt on it to read "
        f"{destination.url}"
    ]


# ---- upload


def _unfinished_uploads(aws: Aws, staging: Staging, tell: Tell) -> dict[str, OpenUpload]:
    """Return the unfinished uploads that this staging can continue, by path. Abort all others under the prefix."""
    s3, destination = aws.client("s3"), staging.destination
    resumable = {file.path for file in staging.waiting} if staging.goes_on else set()
    uploads_by_path: dict[str, OpenUpload] = {}
    try:
        uploads = open_uploads(s3, destination)
    except ClientError as fault:
        if error_code(fault) != "AccessDenied":
            raise
        tell(f"interrupted uploads cannot be listed, and could be billed: {explain(fault)}")
        return {}
    for upload in sorted(uploads, key=lambda upload: len(upload.parts)):
        path = upload.key.removeprefix(destination.prefix)
        if path not in resumable:
            abort(s3, destination.bucket, upload)
            continue
        if path in uploads_by_path:  # keep the upload with more parts: the list is sorted by their number
            abort(s3, destination.bucket, uploads_by_path[path])
        uploads_by_path[path] = upload
    for path, upload in uploads_by_path.items():
        tell(f"{path}: continuing an interrupted upload, {len(upload.parts)} parts are already uploaded")
    return uploads_by_path


def _delete(aws: Aws, destination: Destination, paths: Sequence[str], tell: Tell) -> None:
    for path in paths:
        aws.client("s3").delete_object(Bucket=destination.bucket, Key=destination.prefix + path)
        tell(f"{path}: deleted, because it belongs to the replaced staging")


def staging_document(staging: Staging, manifest: Manifest | None) -> dict[str, Any]:
    """Return the JSON document: `replicas.staging.document.StagedDocument` with a manifest, else `StagingDocument`.

    Args:
        staging: files and destination.
        manifest: manifest of the completed staging; None for a dry run.

    """
    waiting = {file.path for file in staging.waiting}
    hashes = {file.path: file.sha256 for file in manifest.files} if manifest else staging.present
    return {
        "schema": "replicas.staged/1" if manifest else "replicas.staging/1",
        "repository": staging.snapshot.repository,
        "revision": staging.snapshot.commit,
        "weights": staging.destination.url,
        "manifest": staging.destination.manifest_url,
        "is_complete": manifest is not None and manifest.is_complete,
        "kms_key": staging.kms_key,
        "bytes_to_send" if manifest is None else "bytes_sent": staging.bytes_waiting,
        "files": [
            {
                "path": file.path,
                "size_bytes": file.size_bytes,
                "hub_id": hub_id(file),
                "sha256": hashes.get(file.path),
                "was_there": file.path not in waiting,
            }
            for file in staging.selection.files
        ],
        "left_out": [{"path": path, "why": why} for path, why in staging.selection.left_out],
        "deleted" if manifest else "to_delete": list(staging.to_delete),
        "warnings": list(staging.warnings),
    }
