"""Which copy a request goes to."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping

from embedded_aws.sagemaker.destinations import Destination, ServingCopy

_random = random.Random()  # noqa: S311 (which copy, nothing secret)


def chosen(destination: Destination, loads: Mapping[str, int], body: bytes) -> ServingCopy:
    """A copy by the strategy of the endpoint.

    Prefix-aware: prompts that begin alike go to the same copy, and stay there as long as it is there, until it has as
    many requests in flight as the threshold says.

    Args:
        destination: the copies that can answer.
        loads: requests in flight by the id of the copy; one that is not in it has none.
        body: of the request.

    """
    copies = list(destination.copies)
    match destination.routing_strategy:
        case "RANDOM":
            return _random.choice(copies)
        case "PREFIX_AWARE":
            prefix = prompt_of(body)[: destination.prefix_length]
            home = max(copies, key=lambda copy: hashlib.sha256(f"{copy.id} {prefix}".encode()).digest())
            threshold = destination.concurrency_threshold
            if threshold is None or loads.get(home.id, 0) < threshold:
                return home
    least = min(loads.get(copy.id, 0) for copy in copies)
    return _random.choice([copy for copy in copies if loads.get(copy.id, 0) == least])


def prompt_of(body: bytes) -> str:
    """The text that a body asks with, in any of the engines' ways; a body that is none of them is its own prompt."""
    text = body.decode(errors="replace")
    try:
        document = json.loads(text)
    except ValueError:
        return text
    if not isinstance(document, dict):
        return text
    for name in ("inputs", "prompt"):
        if isinstance(document.get(name), str):
            return str(document[name])
    messages = document.get("messages")
    if isinstance(messages, list):
        return "\n".join(str(message.get("content", "")) for message in messages if isinstance(message, dict))
    return text
