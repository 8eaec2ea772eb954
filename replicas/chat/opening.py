"""Opens a conversation with a component of a deployment or of any endpoint."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from replicas.aws.deployed import find_deployed
from replicas.aws.invocation import Invoker
from replicas.aws.session import Aws
from replicas.aws.target import Target, find_target, known_model
from replicas.catalogue.tasks import Task
from replicas.chat.conversation import Conversation
from replicas.chat.images import image_part
from replicas.chat.prompts import read_template, template_for
from replicas.chat.waiting import Waiting
from replicas.engines import Generation
from replicas.errors import OperationError, UsageError

_ANSWERS: Mapping[Task, str] = {"embed": "embeddings", "score": "scores"}
_TEXTS: Mapping[Task, str] = {"embed": "--text TEXT", "score": "--text QUERY --text DOCUMENT"}


def open_conversation(
    name: str | None = None,
    *,
    endpoint: str | None = None,
    component: str | None = None,
    region: str | None = None,
    generation: Generation | None = None,
    chat_template: Path | None = None,
    system: str | None = None,
    images: Sequence[str] = (),
    wait_seconds: float = 900,
    waiting: Waiting = lambda _reason, _waited, _limit: None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Conversation:
    """Find a component and begin a conversation with it. Nothing is sent yet.

    Args:
        name: name of a stack; `endpoint` names any endpoint instead.
        endpoint: name of an endpoint.
        component: name or label of the component; required if the endpoint has several.
        region: AWS region. Default: the region that the CDK CLI would use.
        generation: generation parameters. Default: the defaults of `Generation`.
        chat_template: tokenizer_config.json or chat_template.jinja, for engines that accept only prompts.
        system: system message, sent before the first message.
        images: files or addresses of images that go with the first message.
        wait_seconds: longest wait for a component without a running copy.
        waiting: called before each pause, with the reason, the seconds so far, and the limit.
        tell: called with each line of progress.

    Raises:
        OperationError: the component does not exist, answers with embeddings or scores, takes no images, or no chat
            template is known for its model.
        UsageError: a chat template is given, but the engine applies the model's own template; or an image
            cannot be sent.

    """
    parts = [image_part(image) for image in images]
    aws = Aws(region)
    deployed = find_deployed(aws, name, endpoint)
    target = find_target(aws, deployed, deployed.component(component))
    if target.task != "generate":
        where = f"--endpoint {endpoint}" if endpoint else name
        which = f" --component {component}" if component else ""
        raise OperationError(
            f"{target.model or target.component_name} answers with {_ANSWERS[target.task]}, not with text: use "
            "`replicas "
            f"invoke {where} {_TEXTS[target.task]}{which}`"
        )
    if parts:
        _check_images(target, tell)
    template = None
    if not target.dialect.takes_messages:
        template = read_template(chat_template) if chat_template else template_for(target.model)
        if template is None:
            tell(f"{target.model} has no chat format: each message is sent unchanged")
    elif chat_template:
        raise UsageError("--chat-template: this engine applies the model's own template: remove --chat-template")
    messages = [{"role": "system", "content": system}] if system else []
    return Conversation(
        Invoker(aws, aws.runtime(), target),
        generation or Generation(),
        template,
        wait_seconds,
        waiting,
        messages,
        parts,
    )


def _check_images(target: Target, tell: Callable[[str], None]) -> None:
    """Raise `OperationError` if the engine or the model is known to accept only text."""
    model = known_model(target.model)
    if not target.dialect.takes_images:
        raise OperationError(
            f"--image: the requests of {target.image.rpartition('/')[2]} accept only text: remove --image"
        )
    if model is None:
        tell(f"whether {target.model or 'the model'} accepts images is not known: the engine decides")
    elif not model.takes_images:
        raise OperationError(f"--image: {model.id} has no vision tower and accepts only text: remove --image")
