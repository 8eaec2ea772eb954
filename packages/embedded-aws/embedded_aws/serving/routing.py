"""Selects the copy that answers a request, by the routing strategy of the endpoint."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping

from embedded_aws.sagemaker.destinations import Destination, ServingCopy

_random = random.Random()  # noqa: S311 (load balancing, not security)


def chosen(destination: Destination, loads: Mapping[str, int], body: bytes) -> ServingCopy:
    """Choose a copy by the routing strategy of the endpoint.

    PREFIX_AWARE: prompts with the same prefix go to the same copy while it exists and has fewer requests in flight than
    the threshold. Otherwise they go to the copy with the fewest requests in flight.

    Args:
        destination: the copies that can answer, and the routing strategy.
        loads: requests in flight by copy id; a copy that is not listed has none.
        body: body of the request.

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
    """Return the prompt in a request body, in any of the engines' formats.

    If the format is unknown, return the whole body.
    """
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
