"""A minimal parser of SageMaker's event streams, fast enough to time tokens under load.

botocore's own parser takes more CPU time than the rest of the load generator. This parser takes the raw body from
botocore's `before-parse` event and reads only the lengths of the frames. It skips checksums, and reads headers only to
recognise an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient

RAW_BODY = "RawBody"
"""Key of the raw, unparsed body in a response."""
_PRELUDE, _CHECKSUM = 12, 4


class StreamBroken(Exception):  # noqa: N818 (SageMaker's own word)
    """The stream ended with an error frame. The message is the error code of the frame."""


def keep_raw_bodies(runtime: SageMakerRuntimeClient) -> None:
    """Make a SageMaker Runtime client add the raw body to the responses of streaming calls."""
    runtime.meta.events.register("before-parse.sagemaker-runtime.InvokeEndpointWithResponseStream", _keep)


def _keep(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] < 300:
        customized_response_dict[RAW_BODY] = response_dict["body"]


class FrameReader:
    """Incremental parser: takes bytes as they arrive, and yields the payload of each complete frame."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> Iterator[bytes]:
        """Add bytes and yield the payloads of all frames that are now complete.

        Raises:
            StreamBroken: an error frame arrived.

        """
        data, begin = self._rest + content, 0
        while len(data) - begin >= _PRELUDE:
            length = int.from_bytes(data[begin : begin + 4])
            if len(data) - begin < length:
                break
            headers_end = begin + _PRELUDE + int.from_bytes(data[begin + 4 : begin + 8])
            payload = data[headers_end : begin + length - _CHECKSUM]
            if b"exception" in data[begin + _PRELUDE : headers_end]:
                raise StreamBroken(_code(payload))
            yield payload
            begin += length
        self._rest = data[begin:]


def _code(payload: bytes) -> str:
    try:
        return str(json.loads(payload).get("ErrorCode", "InternalStreamFailure"))
    except (ValueError, AttributeError):
        return "InternalStreamFailure"
