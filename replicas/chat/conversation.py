"""`replicas chat`: a message or a conversation with a component, token by token."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from replicas.aws.invocation import Invoker, NotYet
from replicas.chat.prompts import ChatTemplate
from replicas.engines import Generation, Piece
from replicas.errors import OperationError

_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 20.0

Waiting = Callable[[str, float, float], None]
"""Told while there is nothing but waiting: why, the seconds so far, and how many at most."""


@dataclass
class Conversation:
    """A conversation with one component. A turn that fails leaves no trace in it."""

    invoker: Invoker
    generation: Generation
    template: ChatTemplate | None
    """Where the engine takes a finished prompt; None: it gets the messages, or a lone message as it is."""
    wait_seconds: float
    """How long to wait at most for a component that has no copy."""
    waiting: Waiting
    messages: list[dict[str, str]] = field(default_factory=list)

    def ask(self, message: str) -> Iterator[Piece]:
        """The answer as it comes. When it is whole, question and answer are part of the conversation.

        Raises:
            OperationError: refused, broken off, or no copy within the time.

        """
        turn = [*self.messages, {"role": "user", "content": message}]
        said = []
        reader = self.invoker.target.dialect.reader()
        for part in self._parts(self._body(turn)):
            try:
                for piece in reader.feed(part):
                    said.append(piece.text)
                    yield piece
            except ValueError as fault:
                raise OperationError(f"the engine failed in the middle of its answer: {fault}") from None
        self.messages = [*turn, {"role": "assistant", "content": "".join(said)}]

    def _body(self, turn: list[dict[str, str]]) -> bytes:
        dialect = self.invoker.target.dialect
        if self.template is not None:
            return dialect.prompt_body(self.template.render(turn), self.generation, stream=True)
        return dialect.chat_body(turn, self.generation, stream=True)

    def _parts(self, body: bytes) -> Iterator[bytes]:
        began, pause = time.monotonic(), _FIRST_PAUSE_SECONDS
        while True:
            try:
                yield from self.invoker.stream(body)
            except NotYet as reason:
                waited = time.monotonic() - began
                left = self.wait_seconds - waited
                if left <= 0:
                    raise OperationError(
                        f"{reason}; no answer after {waited:.0f} s: --wait allows more, `replicas status` shows more"
                    ) from None
                self.waiting(str(reason), waited, self.wait_seconds)
                time.sleep(min(pause, left))
                pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
            else:
                return
