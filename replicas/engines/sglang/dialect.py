"""Dialect of SGLang: its `/invocations` accepts only chat completions (entrypoints/http_server.py, 0.5.8 to 0.5.20)."""

from __future__ import annotations

import json

from replicas.engines.answering import AcceptedRequest, Refused, ServedModel, read_object
from replicas.engines.dialect import Generation
from replicas.engines.openai import OpenAi


class SgLangDialect(OpenAi):
    """OpenAI's chat completions. A prompt is sent as a conversation with one message."""

    name = "sglang"

    def prompt_body(self, prompt: str, generation: Generation, *, stream: bool, exact_length: bool = False) -> bytes:
        """Return the body of a chat completion with one message. `ignore_eos` is an extension of the engine."""
        body = json.loads(self.chat_body([{"role": "user", "content": prompt}], generation, stream=stream))
        return json.dumps({**body, "ignore_eos": True} if exact_length else body).encode()

    def accept(self, body: bytes, model: ServedModel) -> AcceptedRequest:
        """Read and validate a chat completion.

        Raises:
            Refused: the request is invalid; the status is 400 or 404, with the message of the server.

        """
        try:
            document = read_object(body)
        except ValueError as fault:
            raise _refused(400, f"Invalid JSON: {fault}") from None
        if "messages" not in document:
            raise _refused(400, "[{'type': 'missing', 'loc': ('body', 'messages'), 'msg': 'Field required'}]")
        # The server accepts any model name in a body.
        named = json.dumps({key: value for key, value in document.items() if key != "model"}).encode()
        try:
            return super().accept(named, model)
        except Refused as refused:
            raise _refused(refused.status, json.loads(refused.body)["error"]["message"]) from None

    def overloaded(self) -> Refused:
        """Return the server's response when its queue is full (--max-queued-requests)."""
        return _refused(503, "The request queue is full.")


def _refused(status: int, message: str) -> Refused:
    return Refused(
        status, {"object": "error", "message": message, "type": "BadRequestError", "param": None, "code": status}
    )
