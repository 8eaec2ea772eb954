"""One file from the Hub into S3, part by part: a few parts in memory, nothing on disk, every byte hashed on its way.

A file is an object only once its hash was right: what is small is hashed before it is put, and an upload in parts is
completed after its last byte was hashed. S3 itself checks each part by the SHA-256 that goes with it.
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
"""S3's limit of one upload."""
_PARTS_AHEAD = 4
"""Parts that are being read at once; as many are being sent: at most 8 parts are in memory, 512 MiB."""

Progress = Callable[[str, int], None]
"""Told of so many more bytes of a file (by path) that are through."""


@dataclass(frozen=True)
class OpenUpload:
    """An upload in parts that was begun and not ended: its parts cost as objects do."""

    key: str
    upload_id: str
    parts: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """As S3 lists them, by number."""


def hub_id(file: HubFile) -> str:
    """What the Hub says a file is, with the kind of hash before it."""
    return f"sha256:{file.sha256}" if file.sha256 else f"git-sha1:{file.blob_sha1}"


class Uploader:
    """Puts the files of one snapshot under one prefix."""

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
        """Stage a file, going on with an upload that was begun; the SHA-256 of its content.

        Raises:
            OperationError: its hash is not the Hub's; nothing of it lies in S3 then.
            HubError: it cannot be read. An upload that was begun stays, and is gone on with the next time.

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
        # A file in parts that is not LFS has no SHA-256 yet: it is recognised by its id alone.
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
        """Read ahead, hash in order, send behind."""
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
        """Send a part, unless S3 has it: as CompleteMultipartUpload wants to hear of it."""
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
    """Whether a part that S3 has is this content: by its SHA-256, or where S3 tells none by its ETag, an MD5."""
    if listed.get("Size") != len(content):
        return False
    if "ChecksumSHA256" in listed:
        return bool(listed["ChecksumSHA256"] == checksum)
    return bool(listed.get("ETag", "").strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest())


def open_uploads(s3: S3Client, destination: Destination) -> list[OpenUpload]:
    """What was begun under a prefix and not ended, oldest first, with its parts."""
    found = []
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=destination.bucket, Prefix=destination.prefix)
    for page in pages:
        for entry in page.get("Uploads", ()):
            listed = s3.get_paginator("list_parts").paginate(
                Bucket=destination.bucket, Key=entry["Key"], UploadId=entry["UploadId"]
            )
            parts = {part["PartNumber"]: part for parts in listed for part in parts.get("Parts", ())}
            found.append(OpenUpload(entry["Key"], entry["UploadId"], parts))
    return found


def abort(s3: S3Client, bucket: str, upload: OpenUpload) -> None:
    """End an upload: its parts are deleted. One that is gone already is no fault."""
    try:
        s3.abort_multipart_upload(Bucket=bucket, Key=upload.key, UploadId=upload.upload_id)
    except s3.exceptions.NoSuchUpload:
        return


class _Hashes:
    """Of a file whose bytes come in order."""

    def __init__(self, file: HubFile) -> None:
        self._file = file
        self._sha256 = hashlib.sha256()
        self._blob = hashlib.sha1(b"blob %d\0" % file.size_bytes, usedforsecurity=False)

    def update(self, content: bytes | bytearray) -> None:
        """The next bytes."""
        self._sha256.update(content)
        if not self._file.sha256:
            self._blob.update(content)

    @property
    def sha256(self) -> str:
        """Of all bytes so far."""
        return self._sha256.hexdigest()

    def require(self) -> None:
        """Raises `OperationError` where the content is not what the Hub says it is."""
        wanted = self._file.sha256 or self._file.blob_sha1
        found = self.sha256 if self._file.sha256 else self._blob.hexdigest()
        if found != wanted:
            kind = "SHA-256" if self._file.sha256 else "git's SHA-1"
            raise OperationError(
                f"{self._file.path}: {kind} is {found}, the Hub says {wanted}: what came is not that file, and was not "
                "staged; run this again"
            )


def _base64(digest: Any) -> str:
    return base64.b64encode(digest.digest()).decode()
