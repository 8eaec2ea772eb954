"""The stand-in answers as vLLM does: what the real engine answered to each request is data (`make oracle`)."""

from __future__ import annotations

import pytest

from scripts.oracle.answers import of_stand_in, recorded
from scripts.oracle.comparing import differences
from scripts.oracle.conversations import BY_VERSION, NOT_SIMULATED, conversations

REQUESTS = {conversation.name: conversation.body for conversation in conversations()}
ENGINE = recorded()


def test_the_engine_was_sent_every_request() -> None:
    assert set(ENGINE) == set(REQUESTS)


@pytest.mark.parametrize("name", [name for name in REQUESTS if name not in {*BY_VERSION, *NOT_SIMULATED}])
def test_the_stand_in_answers_as_the_engine_did(name: str) -> None:
    assert differences(ENGINE[name], of_stand_in(REQUESTS[name])) == []


@pytest.mark.parametrize("name", BY_VERSION)
def test_a_request_that_is_answered_otherwise_is_still_one(name: str) -> None:
    assert differences(ENGINE[name], of_stand_in(REQUESTS[name])) != []
