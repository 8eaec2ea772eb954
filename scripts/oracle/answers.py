"""Recorded answers of the engine, and the answers of the simulated engine (the stand-in) to the same requests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from replicas.engines.answering import Refused, ServedModel
from replicas.engines.openai import OpenAi
from replicas.forecast.stand_in.text import answer_tokens
from scripts.oracle.asking import ROOT
from scripts.oracle.comparing import Answer
from scripts.oracle.conversations import CONTEXT, MODEL

FILE = ROOT / "tests" / "data" / "engine" / "answers.json"
_SERVED = ServedModel(
    id=MODEL, max_input_tokens=CONTEXT - 1, max_total_tokens=CONTEXT, has_chat_template=True, checks_name=False
)


def recorded() -> dict[str, Answer]:
    """Return the recorded answers of the engine, by the name of the request."""
    return {name: Answer(*answer) for name, answer in json.loads(FILE.read_text())["answers"].items()}


def write(engine: str, answers: dict[str, Answer]) -> Path:
    """Write the engine's answers. Return the file."""
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(answer)}" for name, answer in answers.items())
    about = json.dumps({"engine": engine, "asked": datetime.now(UTC).date().isoformat()})
    FILE.write_text(f'{{\n "about": {about},\n "answers": {{\n{lines}\n }}\n}}\n')
    return FILE


def of_stand_in(body: bytes) -> Answer:
    """Return the answer of a stand-in container on `/invocations`."""
    try:
        accepted = OpenAi().accept(body, _SERVED)
    except Refused as refused:
        return Answer(refused.status, "application/json", refused.body.decode())
    tokens = answer_tokens(MODEL, accepted.output_tokens)
    if accepted.stream:
        events = b"".join(accepted.events(tokens, 0, len(tokens)))
        return Answer(200, accepted.stream_media_type, events.decode())
    return Answer(200, accepted.media_type, accepted.whole(tokens).decode())
