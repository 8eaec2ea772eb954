"""`replicas chat`: talk to a deployment."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, tell

if TYPE_CHECKING:
    from replicas.aws.invocation import Invoker
    from replicas.chat.conversation import Conversation
    from replicas.engines import Generation


@app.command()
def chat(
    name: Name = None,
    message: Annotated[
        str | None, typer.Argument(help="One message. Without it: a conversation, a line a turn.")
    ] = None,
    endpoint: EndpointName = None,
    component: ComponentName = None,
    region: Region = None,
    system: Annotated[str | None, typer.Option(help="What the model is told before the first message.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Longest answer, tokens.")] = 50,
    temperature: Annotated[float, typer.Option(min=0.01)] = 0.9,
    top_p: Annotated[float, typer.Option(min=0.01, max=0.99)] = 0.6,
    top_k: Annotated[int, typer.Option(min=1)] = 50,
    repetition_penalty: Annotated[float, typer.Option(min=0.01)] = 1.03,
    chat_template: Annotated[
        Path | None,
        typer.Option(
            help="tokenizer_config.json or chat_template.jinja of the model, for engines that take a finished prompt."
        ),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for a component that has no copy yet.")] = 900,
    as_json: Json = False,
) -> None:
    """Send a message, or have a conversation; the answer comes token by token."""
    from replicas.aws.deployed import find_deployed
    from replicas.aws.invocation import Invoker
    from replicas.aws.session import Aws
    from replicas.aws.target import find_target
    from replicas.engines import Generation

    if endpoint is not None and message is None:
        name, message = None, name  # --endpoint stands for NAME: what is left is the message
    if message is not None and not message.strip():
        raise typer.BadParameter("MESSAGE is empty; without one it is a conversation")
    if as_json and message is None:
        raise typer.BadParameter("--json takes one MESSAGE")
    aws = Aws(region)
    deployed = find_deployed(aws, name, endpoint)
    target = find_target(aws, deployed, deployed.component(component))
    generation = Generation(
        max_new_tokens=max_new_tokens,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        repetition_penalty=repetition_penalty,
    )
    talk = _conversation(Invoker(aws, aws.runtime(), target), generation, chat_template, wait, system)
    if message is None:
        _converse(talk)
    elif as_json:
        print_json(_answer_document(talk, message))
    else:
        _print_answer(talk, message)


def _conversation(
    invoker: Invoker, generation: Generation, chat_template: Path | None, wait: float, system: str | None
) -> Conversation:
    from replicas.chat.conversation import Conversation
    from replicas.chat.prompts import read_template, template_for

    template = None
    if not invoker.target.dialect.takes_messages:
        template = read_template(chat_template) if chat_template else template_for(invoker.target.model)
        if template is None:
            tell(f"{invoker.target.model} has no chat format: each message goes to it as it is")
    elif chat_template:
        raise typer.BadParameter("--chat-template: this engine applies the model's own template")
    begin = [{"role": "system", "content": system}] if system else []
    return Conversation(invoker, generation, template, wait, _tell_waiting, begin)


def _converse(talk: Conversation) -> None:
    """Line by line, until the end of the input. What fails costs a turn, not the conversation."""
    from replicas.errors import ReplicasError

    is_terminal, failed = sys.stdin.isatty(), False
    if is_terminal:
        tell("a line is a message; Ctrl-D ends the conversation")
    while True:
        if is_terminal:
            print("> ", end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
        if not line:
            break
        if line.strip():
            try:
                _print_answer(talk, line.strip())
            except ReplicasError as error:
                print(flush=True)
                tell(str(error))
                failed = True
    if failed and not is_terminal:
        raise typer.Exit(1)


def _print_answer(talk: Conversation, message: str) -> None:
    started = False
    for piece in talk.ask(message):
        text = piece.text if started else piece.text.lstrip()  # a first token often begins with a space
        started = started or bool(text)
        print(text, end="", flush=True)
    print(flush=True)


def _answer_document(talk: Conversation, message: str) -> dict[str, object]:
    began, first, tokens, text = time.monotonic(), None, 0, []
    for piece in talk.ask(message):
        if piece.tokens and first is None:
            first = time.monotonic() - began
        tokens += piece.tokens
        text.append(piece.text)
    target = talk.invoker.target
    return {
        "schema": "replicas.answer/1",
        "endpoint": target.endpoint_name,
        "component": target.component_name,
        "model": target.model,
        "text": "".join(text).lstrip(),
        "output_tokens": tokens,
        "ttft_seconds": first,
        "seconds": time.monotonic() - began,
    }


def _tell_waiting(reason: str, waited: float, limit: float) -> None:
    tell(f"{reason}: waiting, {waited:.0f} of {limit:.0f} s")
