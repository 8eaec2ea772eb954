"""Chat with a deployed component, token by token. Calls AWS.

`open_conversation("llama-2-13b").ask("Hello")` yields the pieces of the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from replicas.lazy_names import lazy_names

if TYPE_CHECKING:
    from replicas.chat.conversation import Answer, Conversation
    from replicas.chat.opening import open_conversation

__all__ = ["Answer", "Conversation", "open_conversation"]

__getattr__, __dir__ = lazy_names(
    __name__, {"conversation": ("Answer", "Conversation"), "opening": ("open_conversation",)}
)
