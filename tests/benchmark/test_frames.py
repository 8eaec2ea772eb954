"""Frames are read as botocore reads them, however they are cut."""

from __future__ import annotations

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.serving.answers import payload_part, stream_error
from replicas.benchmark.frames import FrameReader, StreamBroken


@given(st.lists(st.binary(max_size=60), max_size=8), st.data())
def test_payloads_are_those_that_botocore_reads(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(map(payload_part, payloads))
    judge = EventStreamBuffer()
    judge.add_data(stream)
    wanted = [event.payload for event in judge]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    reader = FrameReader()
    bounds = zip([0, *cuts], [*cuts, len(stream)], strict=True)
    assert [payload for begin, end in bounds for payload in reader.feed(stream[begin:end])] == wanted == payloads


def test_an_error_in_the_stream_is_an_error() -> None:
    with pytest.raises(StreamBroken, match="ModelInvocationTimeExceeded"):
        list(FrameReader().feed(payload_part(b"x") + stream_error("ModelInvocationTimeExceeded", "too long")))
