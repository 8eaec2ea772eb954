"""Files of SageMaker's data capture, in a folder or in S3. No text of a request is stored.

Each line is one request. `captureData.endpointInput` and `endpointOutput` contain request and answer (`data`, and
`encoding`: JSON, CSV or BASE64), `eventMetadata.inferenceTime` the time. Source: SageMaker AI developer guide, "Capture
data from real-time endpoint".
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from replicas.aws.session import Aws
from replicas.errors import OperationError

_SUFFIX = ".jsonl"
_S3 = "s3://"


@dataclass(frozen=True)
class Captured:
    """One request of a capture file."""

    place: str
    """File and line number, for messages."""
    moment: datetime
    input: bytes
    output: bytes | None
    """The answer; None if it was not captured."""


def captured(source: str, region: str | None, faulty: Callable[[str], None]) -> Iterator[Captured]:
    """Yield the requests of all capture files below a folder or an S3 prefix, in the order of the files.

    Args:
        source: `s3://bucket/prefix`, a folder, or a file.
        region: region of the bucket. Default: the region that the CDK CLI would use.
        faulty: called with an error message for each line that is not a captured request.

    Raises:
        OperationError: the source has no capture file.

    """
    has_files = False
    for name, text in _of_s3(source, region) if source.startswith(_S3) else _of_folder(Path(source)):
        has_files = True
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                try:
                    yield _captured(f"{name}, line {number}", json.loads(line))
                except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
                    faulty(f"{name}, line {number} is not a captured request")
    if not has_files:
        raise OperationError(
            f"{source} has no file with suffix {_SUFFIX}: data capture writes such a file for each minute with requests"
        )


def _of_folder(path: Path) -> Iterator[tuple[str, str]]:
    files = [path] if path.is_file() else sorted(path.rglob(f"*{_SUFFIX}"))
    for file in files:
        yield str(file), file.read_text(encoding="utf-8", errors="replace")


def _of_s3(source: str, region: str | None) -> Iterator[tuple[str, str]]:
    bucket, _, prefix = source.removeprefix(_S3).partition("/")
    client = Aws(region).client("s3")
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Contents", ()):
            if entry["Key"].endswith(_SUFFIX):
                content = client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].read()
                yield f"{_S3}{bucket}/{entry['Key']}", content.decode("utf-8", errors="replace")


def _captured(place: str, document: dict[str, Any]) -> Captured:
    data = document["captureData"]
    moment = datetime.fromisoformat(document["eventMetadata"]["inferenceTime"].replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    answer = data.get("endpointOutput")
    return Captured(place, moment, _content(data["endpointInput"]), None if answer is None else _content(answer))


def _content(part: dict[str, Any]) -> bytes:
    data = part["data"]
    if not isinstance(data, str):
        raise TypeError("data is text")
    return base64.b64decode(data, validate=True) if part.get("encoding") == "BASE64" else data.encode()
