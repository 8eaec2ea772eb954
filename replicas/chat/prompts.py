"""Chat templates for engines that accept only prompts: from the model's own file, or bundled in `templates/`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from replicas.engines.dialect import Messages
from replicas.errors import OperationError, unreadable

_FOLDER = Path(__file__).parent / "templates"
_OURS = {
    r"llama-?2-.*chat": "llama-2",
    r"(mistral|mixtral)-.*instruct": "mistral",
}
"""Name of the bundled template, by a pattern of the repository's name."""


@dataclass(frozen=True)
class ChatTemplate:
    """A Jinja chat template, and the special tokens that it may use."""

    text: str
    bos_token: str = "<s>"  # noqa: S105 (a token of a vocabulary)
    eos_token: str = "</s>"  # noqa: S105

    def render(self, messages: Messages) -> str:
        """Render messages to one prompt.

        Raises:
            OperationError: the template has an error, or it rejects these messages.

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
            raise OperationError(f"the chat template does not accept this conversation: {fault}") from None
        return rendered.removeprefix(self.bos_token)  # the engine's tokenizer adds it to every prompt


def template_for(model: str | None) -> ChatTemplate | None:
    """Return the bundled template for a model; None if the model has no chat format.

    Raises:
        OperationError: the model has a chat format, but no template is bundled for it.

    """
    name = (model or "").rpartition("/")[2].lower()
    for pattern, template_name in _OURS.items():
        if re.search(pattern, name):
            return ChatTemplate((_FOLDER / f"{template_name}.jinja").read_text())
    if _takes_plain_prompts(model):
        return None
    raise OperationError(
        f"the engine accepts only prompts, and no chat template is bundled for {model or 'its model'}: give "
        "--chat-template with tokenizer_config.json or chat_template.jinja from the model's repository"
    )


def read_template(path: Path) -> ChatTemplate:
    """Read a template from `tokenizer_config.json` or from a file of Jinja text.

    Raises:
        OperationError: the file cannot be read, or it contains no template.

    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as fault:
        raise OperationError(f"--chat-template {path} cannot be read: {unreadable(fault)}") from None
    if path.suffix != ".json":
        return ChatTemplate(text)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise OperationError(f"--chat-template {path} cannot be read: {unreadable(fault)}") from None
    template = content.get("chat_template") if isinstance(content, dict) else None
    if isinstance(template, list):  # several named templates
        template = next((entry["template"] for entry in template if entry.get("name") == "default"), None)
    if not isinstance(template, str):
        raise OperationError(
            f"--chat-template {path} contains no chat_template: give chat_template.jinja, where newer models store it"
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
