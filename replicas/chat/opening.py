"""Open a conversation with a component of a deployment or of any endpoint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from replicas.aws.deployed import find_deployed
from replicas.aws.invocation import Invoker
from replicas.aws.session import Aws
from replicas.aws.target import find_target
from replicas.chat.conversation import Conversation, Waiting
from replicas.chat.prompts import read_template, template_for
from replicas.engines import Generation
from replicas.errors import UsageError


def open_conversation(
    name: str | None = None,
    *,
    endpoint: str | None = None,
    component: str | None = None,
    region: str | None = None,
    generation: Generation | None = None,
    chat_template: Path | None = None,
    system: str | None = None,
    wait_seconds: float = 900,
    waiting: Waiting = lambda _reason, _waited, _limit: None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Conversation:
    """Find a component and begin a conversation with it. Nothing is sent yet.

    Args:
        name: name of a stack; `endpoint` names any endpoint instead.
        endpoint: name of an endpoint.
        component: name or label of the component; required if the endpoint has several.
        region: AWS region. Default: boto3's.
        generation: generation parameters. Default: those of the engine's request format.
        chat_template: tokenizer_config.json or chat_template.jinja, for engines that take one prompt, not messages.
        system: system message, sent before the first message.
        wait_seconds: longest wait for a component without a running copy.
        waiting: called before each pause, with the reason, the seconds so far, and the limit.
        tell: called with progress lines for people.

    Raises:
        OperationError: the component does not exist, or no chat template is known for its model.
        UsageError: a chat template is given, but the engine applies the model's own.

    """
    aws = Aws(region)
    deployed = find_deployed(aws, name, endpoint)
    target = find_target(aws, deployed, deployed.component(component))
    template = None
    if not target.dialect.takes_messages:
        template = read_template(chat_template) if chat_template else template_for(target.model)
        if template is None:
            tell(f"{target.model} has no chat format: each message goes to it as it is")
    elif chat_template:
        raise UsageError("--chat-template: this engine applies the model's own template")
    messages = [{"role": "system", "content": system}] if system else []
    return Conversation(
        Invoker(aws, aws.runtime(), target), generation or Generation(), template, wait_seconds, waiting, messages
    )
