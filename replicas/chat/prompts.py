"""Chat templates for engines that take a finished prompt: the model's own file, or one of ours (`templates/`)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from replicas.engines.dialect import Messages
from replicas.errors import OperationError

_FOLDER = Path(__file__).parent / "templates"
_OURS = {
    r"llama-?2-.*chat": "llama-2",
    r"(mistral|mixtral)-.*instruct": "mistral",
}
"""Which models our templates are for, by their repository's name."""


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja template and the tokens it may name."""

    text: str
    bos_token: str = "<s>"  # noqa: S105 (a token of a vocabulary)
    eos_token: str = "</s>"  # noqa: S105

    def render(self, messages: Messages) -> str:
        """The prompt of a conversation.

        Raises:
            OperationError: the template is faulty, or it refuses the conversation.

        """
        from jinja2 import TemplateError
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        environment.globals["raise_exception"] = _refuse
        environment.filters["tojson"] = json.dumps
        try:
            rendered = environment.from_string(self.text).render(
                messages=list(messages),
                bos_token=self.bos_token,
                eos_token=self.eos_token,
                add_generation_prompt=True,
            )
        except TemplateError as fault:
            raise OperationError(f"the chat template does not take this conversation: {fault}") from None
        return rendered.removeprefix(self.bos_token)  # the engine's tokenizer begins every prompt with it


def template_for(model: str | None) -> ChatTemplate | None:
    """Our template for a model; None for a model that has no chat format.

    Raises:
        OperationError: a chat model whose format is not here.

    """
    name = (model or "").rpartition("/")[2].lower()
    for pattern, ours in _OURS.items():
        if re.search(pattern, name):
            return ChatTemplate((_FOLDER / f"{ours}.jinja").read_text())
    if _takes_plain_prompts(model):
        return None
    raise OperationError(
        f"the engine takes a finished prompt, and no chat template for {model or 'its model'} is here: "
        "--chat-template with the model's tokenizer_config.json or chat_template.jinja (files of its repository)"
    )


def read_template(path: Path) -> ChatTemplate:
    """A template from a file: `tokenizer_config.json`, or the Jinja text itself.

    Raises:
        OperationError: the file cannot be read or holds no template.

    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as fault:
        raise OperationError(f"--chat-template {path} cannot be read: {fault}") from None
    if path.suffix != ".json":
        return ChatTemplate(text)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as fault:
        raise OperationError(f"--chat-template {path} is no JSON: {fault}") from None
    template = content.get("chat_template") if isinstance(content, dict) else None
    if isinstance(template, list):  # several, by name
        template = next((entry["template"] for entry in template if entry.get("name") == "default"), None)
    if not isinstance(template, str):
        raise OperationError(
            f"--chat-template {path} holds no chat_template: newer models keep it in chat_template.jinja"
        )
    return ChatTemplate(template, _token(content.get("bos_token")), _token(content.get("eos_token")))


def _token(entry: Any) -> str:
    return str(entry.get("content", "") if isinstance(entry, dict) else entry or "")


def _takes_plain_prompts(model: str | None) -> bool:
    from replicas.catalogue.models import find_model

    try:
        return find_model(model or "").chat is False
    except LookupError:
        return False


def _refuse(message: str) -> NoReturn:
    from jinja2 import TemplateError

    raise TemplateError(message)
