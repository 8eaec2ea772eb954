"""`replicas chat`: talk to a deployment."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, tell
from replicas.cli.output import complain, prompt, say_answer, say_raw
from replicas.cli.region import region_of
from replicas.errors import UsageError

if TYPE_CHECKING:
    from replicas.chat import Conversation


@app.command()
def chat(
    name: Name = None,
    message: Annotated[
        str | None, typer.Argument(help="One message. Without MESSAGE, each line of input is a message.")
    ] = None,
    endpoint: EndpointName = None,
    component: ComponentName = None,
    region: Region = None,
    system: Annotated[str | None, typer.Option(help="System prompt.")] = None,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Maximum length of an answer in tokens.")] = 50,
    temperature: Annotated[float, typer.Option(min=0.01)] = 0.9,
    top_p: Annotated[float, typer.Option(min=0.01, max=0.99)] = 0.6,
    top_k: Annotated[int, typer.Option(min=1)] = 50,
    repetition_penalty: Annotated[float, typer.Option(min=0.01)] = 1.03,
    chat_template: Annotated[
        Path | None,
        typer.Option(
            help="tokenizer_config.json or chat_template.jinja of the model, for engines that accept only prompts."
        ),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for a component without a copy.")] = 900,
    image: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE|URL", help="An image for a model with a vision tower; may be repeated."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Send a message, or have a conversation. The answer is streamed."""
    from replicas.chat import open_conversation
    from replicas.engines import Generation

    if endpoint is not None and message is None:
        name, message = None, name  # with --endpoint, the single positional argument is the message
    if message is not None and not message.strip():
        raise UsageError("MESSAGE is empty: write a message, or remove MESSAGE for a conversation")
    if as_json and message is None:
        raise UsageError("--json requires a MESSAGE")
    conversation = open_conversation(
        name,
        endpoint=endpoint,
        component=component,
        region=region_of(region, name),
        generation=Generation(
            max_new_tokens=max_new_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            repetition_penalty=repetition_penalty,
        ),
        chat_template=chat_template,
        system=system,
        images=image or (),
        wait_seconds=wait,
        waiting=_tell_waiting,
        tell=tell,
    )
    if message is None:
        _converse(conversation)
    elif as_json:
        print_json(conversation.answer(message).to_document(conversation.invoker.target))
    else:
        _print_answer(conversation, message)


def _converse(conversation: Conversation) -> None:
    """Answer each line of stdin. A failed request is printed to stderr, and the conversation continues."""
    from replicas.errors import ReplicasError

    is_terminal, failed = sys.stdin.isatty(), False
    if is_terminal:
        tell("each line is a message; Ctrl-D ends the conversation")
    while True:
        if is_terminal:
            prompt("> ")
        line = sys.stdin.readline()
        if not line:
            break
        if line.strip():
            try:
                _print_answer(conversation, line.strip())
            except ReplicasError as error:
                say_raw("\n")
                complain(str(error))
                failed = True
    if failed and not is_terminal:
        raise typer.Exit(1)


def _print_answer(conversation: Conversation, message: str) -> None:
    say_answer(_texts(conversation, message))


def _texts(conversation: Conversation, message: str) -> Iterator[str]:
    """Yield the texts of an answer, and a line break at the end."""
    started = False
    for piece in conversation.ask(message):
        text = piece.text if started else piece.text.lstrip()  # the first token often begins with a space
        started = started or bool(text)
        yield text
    yield "\n"


def _tell_waiting(reason: str, waited: float, limit: float) -> None:
    tell(f"{reason}: waiting, {waited:.0f} of {limit:.0f} s")
