"""Answers as event streams, read with as little work as it takes to time them.

botocore's own parser costs the load generator more than everything else together. Here the raw body comes through its
`before-parse` event, and only the frames' lengths are read; checksums and headers are left out but where a frame is
an error.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types_boto3_sagemaker_runtime import SageMakerRuntimeClient

RAW_BODY = "RawBody"
"""Key of an answer under which the body lies that was not parsed."""
_PRELUDE, _CHECKSUM = 12, 4


class StreamBroken(Exception):  # noqa: N818 (SageMaker's own word)
    """A frame that ends the stream with an error; the message is its code."""


def keep_raw_bodies(runtime: SageMakerRuntimeClient) -> None:
    """Let a client of SageMaker Runtime put the raw body of its streams beside its answers."""
    runtime.meta.events.register("before-parse.sagemaker-runtime.InvokeEndpointWithResponseStream", _keep)


def _keep(response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    if response_dict["status_code"] < 300:
        customized_response_dict[RAW_BODY] = response_dict["body"]


class FrameReader:
    """Cuts bytes as they come into the payloads of frames."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, content: bytes) -> Iterator[bytes]:
        """The payloads of the frames that are whole now.

        Raises:
            StreamBroken: a frame says that the stream failed.

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
