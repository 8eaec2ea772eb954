"""`replicas invoke`: sends one request to a deployment that embeds, scores or generates."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, tell
from replicas.cli.output import say_answer
from replicas.cli.region import region_of
from replicas.errors import OperationError, UsageError
from replicas.escaping import printable

if TYPE_CHECKING:
    from replicas.chat import Invocation

Answer = TypeVar("Answer")

_SHOWN = 4
"""Number of elements of an embedding that are printed."""


@app.command()
def invoke(
    name: Name = None,
    endpoint: EndpointName = None,
    component: ComponentName = None,
    region: Region = None,
    text: Annotated[
        list[str] | None,
        typer.Option(
            help="A text to embed, or a message to a chat model. For scores: first the query, then documents."
        ),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(metavar="FILE|JSON|-", help="Request body in the format of the engine's API."),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for a component that has no copy yet.")] = 900,
    as_json: Json = False,
) -> None:
    """Send one request and print the answer: embeddings, scores, or text."""
    from replicas.chat import invoke as send
    from replicas.chat import read_body

    if bool(text) == (body is not None):
        raise UsageError("give either --text (repeat it for more texts) or --body")
    if any(not part.strip() for part in text or ()):
        raise UsageError("--text is empty: give a text with at least one word")
    done = send(
        name,
        endpoint=endpoint,
        component=component,
        region=region_of(region, name),
        texts=text or (),
        body=None if body is None else read_body(body, sys.stdin.read() if body == "-" else None),
        wait_seconds=wait,
        waiting=lambda reason, waited, limit: tell(f"{reason}: waiting, {waited:.0f} of {limit:.0f} s"),
    )
    if as_json:
        print_json(done.to_document())
    elif text:
        say_answer([f"{line}\n" for line in _lines(done, text)])
    elif isinstance(done.document, str):
        say_answer([done.document, "\n"])
    else:
        print_json(done.document)


def _lines(done: Invocation, texts: Sequence[str]) -> list[str]:
    """Return the lines that show the answer to the given texts."""
    if done.target.task == "generate":
        return [done.text]
    pooled = done.pooled
    if done.target.task == "embed":
        return [
            f"{len(vector):,} numbers: {' '.join(f'{value:.4f}' for value in vector[:_SHOWN])} ...  {_short(text)}"
            for vector, text in _paired(pooled.vectors, texts)
        ]
    ranked = sorted(_paired(pooled.scores, texts[1:]), reverse=True)
    return [f"{score:.4f}  {_short(document)}" for score, document in ranked]


def _paired(answers: Sequence[Answer], texts: Sequence[str]) -> list[tuple[Answer, str]]:
    if len(answers) != len(texts):
        raise OperationError(f"the engine answered {len(answers)} of {len(texts)} texts: use --json to see its output")
    return list(zip(answers, texts, strict=True))


def _short(text: str) -> str:
    return printable(text if len(text) <= 80 else f"{text[:77]}...")
