"""Chats with a deployed component, token by token, or sends it one request. Calls AWS.

`open_conversation("llama-2-13b").ask("Hello")` yields the pieces of the answer; `invoke("search", texts=["Hello"])`
returns an embedding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.chat.conversation import Answer, Conversation
    from replicas.chat.opening import open_conversation
    from replicas.chat.request import Invocation, invoke, read_body

__all__ = ["Answer", "Conversation", "Invocation", "invoke", "open_conversation", "read_body"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "conversation": ("Answer", "Conversation"),
        "opening": ("open_conversation",),
        "request": ("Invocation", "invoke", "read_body"),
    },
)
