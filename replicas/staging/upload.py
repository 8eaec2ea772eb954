"""Copies one file from the Hub to S3 in parts. At most a few parts are in memory, and no file is stored on disk.

The object appears in S3 only after its hash was verified. A small file is hashed before its upload, and a multipart
upload is completed after its last byte was hashed. S3 verifies the SHA-256 of each part.
"""

from __future__ import annotations

import base64
import hashlib
import threading
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from replicas.aws.session import Aws
from replicas.catalogue.hub import Hub, HubFile, Snapshot
from replicas.errors import OperationError
from replicas.staging.bucket import Destination
from replicas.staging.manifest import encryption

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

PART_BYTES = 64 << 20
_MOST_PARTS = 10_000
"""Maximum number of parts of one multipart upload in S3."""
_PARTS_AHEAD = 4
"""Parts read in parallel, and parts sent in parallel: at most 8 parts (512 MiB) are in memory."""

Progress = Callable[[str, int], None]
"""Progress callback: path of a file, and number of bytes just uploaded."""


@dataclass(frozen=True)
class OpenUpload:
    """An unfinished multipart upload. Its parts are billed like objects."""

    key: str
    upload_id: str
    parts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Parts from ListParts, by part number."""


def hub_id(file: HubFile) -> str:
    """Return the hash of a file on the Hub, prefixed with its kind: `sha256:...` or `git-sha1:...`."""
    return f"sha256:{file.sha256}" if file.sha256 else f"git-sha1:{file.blob_sha1}"


class Uploader:
    """Uploads the files of one Hub snapshot to one S3 prefix."""

    def __init__(
        self, aws: Aws, hub: Hub, snapshot: Snapshot, destination: Destination, kms_key: str | None, progress: Progress
    ) -> None:
        self._s3 = aws.client("s3")
        self._hub = hub
        self._snapshot = snapshot
        self._destination = destination
        self._encryption = encryption(kms_key)
        self._progress = progress

    def put(self, file: HubFile, begun: OpenUpload | None) -> str:
        """Upload a file, or continue its unfinished upload; return its SHA-256.

        Raises:
            OperationError: the file's hash differs from the Hub's. The file is then not in S3.
            HubError: the file cannot be read. An unfinished upload is kept, and the next run continues it.

        """
        if file.size_bytes > PART_BYTES:
            return self._put_in_parts(file, begun)
        content = self._hub.read(self._snapshot, file, 0, file.size_bytes)
        hashes = _Hashes(file)
        hashes.update(content)
        hashes.require()
        self._s3.put_object(
            Bucket=self._destination.bucket,
            Key=self._key(file),
            Body=cast(bytes, content),  # a bytearray: botocore takes any buffer of bytes
            ChecksumSHA256=_base64(hashlib.sha256(content)),
            Metadata={"hub-id": hub_id(file), "sha256": hashes.sha256},
            **self._encryption,
        )
        self._progress(file.path, file.size_bytes)
        return hashes.sha256

    def _put_in_parts(self, file: HubFile, begun: OpenUpload | None) -> str:
        upload = begun or self._begin(file)
        hashes = _Hashes(file)
        parts = self._send_all(file, upload, hashes)
        try:
            hashes.require()
        except OperationError:
            abort(self._s3, self._destination.bucket, upload)
            raise
        self._s3.complete_multipart_upload(
            Bucket=self._destination.bucket,
            Key=self._key(file),
            UploadId=upload.upload_id,
            MultipartUpload={"Parts": parts},
        )
        return hashes.sha256

    def _begin(self, file: HubFile) -> OpenUpload:
        # The SHA-256 of a file outside Git LFS is not known yet. Its hub-id identifies it.
        metadata = {"hub-id": hub_id(file), **({"sha256": file.sha256} if file.sha256 else {})}
        answer = self._s3.create_multipart_upload(
            Bucket=self._destination.bucket,
            Key=self._key(file),
            ChecksumAlgorithm="SHA256",
            Metadata=metadata,
            **self._encryption,
        )
        return OpenUpload(self._destination.prefix + file.path, answer["UploadId"])

    def _send_all(self, file: HubFile, upload: OpenUpload, hashes: _Hashes) -> list[CompletedPartTypeDef]:
        """Send all parts: read ahead in parallel, hash in order, and send in parallel."""
        size = max(PART_BYTES, -(-file.size_bytes // _MOST_PARTS))
        begins = deque(range(0, file.size_bytes, size))
        reading: deque[Future[bytearray]] = deque()
        sending: deque[Future[CompletedPartTypeDef]] = deque()
        sent: list[CompletedPartTypeDef] = []
        stop = threading.Event()
        pool = ThreadPoolExecutor(2 * _PARTS_AHEAD)

        def read_one_more() -> None:
            if begins:
                begin = begins.popleft()
                end = min(begin + size, file.size_bytes)
                reading.append(pool.submit(self._hub.read, self._snapshot, file, begin, end, stop))

        try:
            for _ in range(_PARTS_AHEAD):
                read_one_more()
            number = 0
            while reading:
                content = reading.popleft().result()
                number += 1
                hashes.update(content)
                sending.append(pool.submit(self._send, file, upload, number, content))
                if len(sending) >= _PARTS_AHEAD:
                    sent.append(sending.popleft().result())
                read_one_more()
            sent += [future.result() for future in sending]
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
        return sent

    def _send(self, file: HubFile, upload: OpenUpload, number: int, content: bytearray) -> CompletedPartTypeDef:
        """Send a part unless it is already in S3; return its entry for CompleteMultipartUpload."""
        checksum = _base64(hashlib.sha256(content))
        listed: Mapping[str, Any] | None = upload.parts.get(number)
        if listed is None or not is_same(listed, content, checksum):
            listed = self._s3.upload_part(
                Bucket=self._destination.bucket,
                Key=self._key(file),
                UploadId=upload.upload_id,
                PartNumber=number,
                Body=cast(bytes, content),
                ChecksumSHA256=checksum,
            )
        self._progress(file.path, len(content))
        return {"PartNumber": number, "ETag": listed["ETag"], "ChecksumSHA256": checksum}

    def _key(self, file: HubFile) -> str:
        return self._destination.prefix + file.path


def is_same(listed: Mapping[str, Any], content: bytes | bytearray, checksum: str) -> bool:
    """True if a part in S3 has this content, by its SHA-256 or, if S3 lists no SHA-256, by its ETag (an MD5)."""
    if listed.get("Size") != len(content):
        return False
    if "ChecksumSHA256" in listed:
        return bool(listed["ChecksumSHA256"] == checksum)
    return bool(listed.get("ETag", "").strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest())


def open_uploads(s3: S3Client, destination: Destination) -> list[OpenUpload]:
    """Return the unfinished multipart uploads under a prefix, with their parts."""
    uploads = []
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=destination.bucket, Prefix=destination.prefix)
    for page in pages:
        for entry in page.get("Uploads", ()):
            listed = s3.get_paginator("list_parts").paginate(
                Bucket=destination.bucket, Key=entry["Key"], UploadId=entry["UploadId"]
            )
            parts = {part["PartNumber"]: part for parts in listed for part in parts.get("Parts", ())}
            uploads.append(OpenUpload(entry["Key"], entry["UploadId"], parts))
    return uploads


def abort(s3: S3Client, bucket: str, upload: OpenUpload) -> None:
    """Abort a multipart upload, which deletes its parts. A missing upload is ignored."""
    try:
        s3.abort_multipart_upload(Bucket=bucket, Key=upload.key, UploadId=upload.upload_id)
    except s3.exceptions.NoSuchUpload:
        return


class _Hashes:
    """Incremental hashes of a file: SHA-256, and git's blob SHA-1 if the Hub has no SHA-256."""

    def __init__(self, file: HubFile) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._blob = hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)

    def update(self, content: bytes | bytearray) -> None:
        """Add the next bytes."""
        self._sha256.update(content)
        if not self._file.sha256:
            self._blob.update(content)

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of all bytes so far, in hex."""
        return self._sha256.hexdigest()

    def require(self) -> None:
        """Raise `OperationError` if the hash differs from the Hub's."""
        expected = self._file.sha256 or self._file.blob_sha1
        actual = self.sha256 if self._file.sha256 else self._blob.hexdigest()
        if actual != expected:
            kind = "SHA-256" if self._file.sha256 else "git's SHA-1"
            raise OperationError(
                f"{self._file.path}: {kind} is {actual}, but the Hub states {expected}, so the downloaded content is "
                f"wrong "
                f"and was not staged: run the command again"
            )


def _base64(digest: Any) -> str:
    return base64.b64encode(digest.digest()).decode()
