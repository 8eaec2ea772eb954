"""A conversation with a component that is found by the name of its deployment."""

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
        component: name or label of the component, where there are several.
        region: AWS region; by default as boto3 finds it.
        generation: parameters of the answers. Default: those of the dialect.
        chat_template: tokenizer_config.json or chat_template.jinja, for engines that take a finished prompt.
        system: message of the system before the first message.
        wait_seconds: how long to wait for a component that has no copy yet.
        waiting: called before each pause, with the reason, the seconds so far, and the limit.
        tell: called with lines about how messages are sent.

    Raises:
        OperationError: no such component, or no chat template is known for its model.
        UsageError: a chat template is given to an engine that applies the model's own.

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
