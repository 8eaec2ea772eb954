"""Compares two answers to one request: their status, their type and the structure of their JSON, not their text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

_ERROR_FIELDS = ("type", "code", "param")
"""Fields of an error that clients use to decide how to react."""


class Answer(NamedTuple):
    """The answer of a container."""

    status: int
    media_type: str
    body: str


_BUILD = "system_fingerprint"
"""Field with the build of the engine. It is not compared."""


def differences(engine: Answer, stand_in: Answer) -> list[str]:
    """Return one message for each difference between the answers of the engine and of the stand-in; empty if they
    match.
    """
    if engine.status != stand_in.status:
        return [f"status {stand_in.status} instead of {engine.status}: {stand_in.body[:200]!r}, {engine.body[:400]!r}"]
    if engine.media_type.partition(";")[0] != stand_in.media_type.partition(";")[0]:
        return [f"content type {stand_in.media_type} instead of {engine.media_type}"]
    if engine.media_type.startswith("text/event-stream"):
        return list(_streams(_events(engine.body), _events(stand_in.body)))
    ours, theirs = json.loads(stand_in.body), json.loads(engine.body)
    return [*_structure("", theirs, ours), *(_error(theirs, ours) if engine.status >= 400 else ())]


def _error(engine: dict[str, Any], stand_in: dict[str, Any]) -> Iterator[str]:
    theirs, ours = engine.get("error", engine), stand_in.get("error", stand_in)
    for field in _ERROR_FIELDS:
        if theirs.get(field) != ours.get(field):
            yield f"error {field} {ours.get(field)!r} instead of {theirs.get(field)!r} ({theirs.get('message')!r})"


def _structure(path: str, engine: Any, stand_in: Any) -> Iterator[str]:
    """Yield differences in fields and types between two documents. A null field may be missing."""
    if isinstance(engine, dict) and isinstance(stand_in, dict):
        for key in sorted({*engine, *stand_in} - {_BUILD}):
            theirs, ours = engine.get(key), stand_in.get(key)
            if (key in engine) and (key not in stand_in) and theirs is not None:
                yield f"{path}{key} is missing: {theirs!r}"
            elif key not in engine:
                yield f"{path}{key} is not in the engine's answer: {ours!r}"
            elif key in stand_in:
                yield from _structure(f"{path}{key}.", theirs, ours)
    elif isinstance(engine, list) and isinstance(stand_in, list):
        if bool(engine) != bool(stand_in):
            yield f"{path} has {len(stand_in)} entries instead of {len(engine)}"
        for theirs, ours in zip(engine[:1], stand_in[:1], strict=False):
            yield from _structure(f"{path}0.", theirs, ours)
    elif type(engine) is not type(stand_in):
        yield f"{path.rstrip('.')} is {stand_in!r} instead of {engine!r}"


def _events(body: str) -> list[Any]:
    """Return the content of each event of a stream: JSON, or text such as `[DONE]`."""
    contents = [event.removeprefix("data:").strip() for event in body.split("\n\n") if event.strip()]
    return [json.loads(content) if content.startswith("{") else content for content in contents]


def _streams(engine: list[Any], stand_in: list[Any]) -> Iterator[str]:
    """Yield differences between two streams. Consecutive events of the same structure count as one event."""
    theirs, ours = _merged(engine), _merged(stand_in)
    if len(theirs) != len(ours):
        yield f"events {[_brief(event) for event in ours]} instead of {[_brief(event) for event in theirs]}"
    else:
        for at, (one, other) in enumerate(zip(theirs, ours, strict=True)):
            yield from _structure(f"event {at}: ", one, other)


def _merged(events: list[Any]) -> list[Any]:
    return [next(alike) for _, alike in groupby(events, _shape)]


def _shape(value: Any) -> str:
    if isinstance(value, dict):
        fields = ((key, entry) for key, entry in sorted(value.items()) if entry is not None and key != _BUILD)
        return "{" + ",".join(f"{key}:{_shape(entry)}" for key, entry in fields) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_shape, value)) + "]"
    return "text" if isinstance(value, str) else type(value).__name__


def _brief(event: Any) -> Any:
    if not isinstance(event, dict):
        return event
    return {key: event[key] for key in ("choices", "usage") if key in event}
