"""`replicas invoke`: sends one request to a component of any task and returns the whole answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from replicas.aws.deployed import find_deployed
from replicas.aws.invocation import MOST_BODY_BYTES, Invoker
from replicas.aws.session import Aws
from replicas.aws.target import Target, find_target
from replicas.chat.conversation import body_of
from replicas.chat.prompts import template_for
from replicas.chat.waiting import Waiting, when_running
from replicas.engines import Generation, Pooled
from replicas.errors import OperationError, UsageError, unreadable

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Invocation:
    """One request to a component, and its answer."""

    target: Target
    answer: bytes
    """The body as the engine wrote it."""
    seconds: float

    @property
    def document(self) -> Any:
        """The answer as JSON; a string if it is not JSON."""
        try:
            return json.loads(self.answer)
        except ValueError:
            return self.answer.decode(errors="replace")

    @property
    def pooled(self) -> Pooled:
        """The embeddings or scores of the answer.

        Raises:
            OperationError: the answer has no embeddings or scores.

        """
        return _read(self.target.dialect.read_pooled, self.answer)

    @property
    def text(self) -> str:
        """The generated text of the answer.

        Raises:
            OperationError: the answer has no generated text.

        """
        return _read(self.target.dialect.read_answer, self.answer).text.lstrip()

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.chat.document.InvocationDocument`)."""
        return {
            "schema": "replicas.invocation/1",
            "endpoint": self.target.endpoint_name,
            "component": self.target.component_name,
            "model": self.target.model,
            "task": self.target.task,
            "seconds": self.seconds,
            "answer": self.document,
        }


def invoke(
    name: str | None = None,
    *,
    endpoint: str | None = None,
    component: str | None = None,
    region: str | None = None,
    texts: Sequence[str] = (),
    body: bytes | None = None,
    wait_seconds: float = 900,
    waiting: Waiting = lambda _reason, _waited, _limit: None,
) -> Invocation:
    """Send one request to a component and return its answer.

    Args:
        name: name of a stack; `endpoint` names any endpoint instead.
        endpoint: name of an endpoint.
        component: name or label of the component; required if the endpoint has several.
        region: AWS region. Default: the region that the CDK CLI would use.
        texts: texts to embed; a query and the documents to score; or one message to a model that generates text.
        body: request body in the format of the engine's API. Give either texts or a body.
        wait_seconds: longest wait for a component without a running copy.
        waiting: called before each pause, with the reason, the seconds so far, and the limit.

    Raises:
        UsageError: neither or both of texts and body are given, or the task needs another number of texts.
        OperationError: the component does not exist, the request was refused, or no copy was running in time.

    """
    if bool(texts) == (body is not None):
        raise UsageError("give either --text (repeat it for more texts) or --body")
    aws = Aws(region)
    deployed = find_deployed(aws, name, endpoint)
    target = find_target(aws, deployed, deployed.component(component))
    sent = _body(target, texts) if body is None else body
    if len(sent) > MOST_BODY_BYTES:
        raise UsageError(
            f"the request has {len(sent):,} bytes: SageMaker Runtime accepts at most {MOST_BODY_BYTES:,}: send fewer "
            "texts"
        )
    invoker = Invoker(aws, aws.runtime(), target)
    began = time.monotonic()
    answer = when_running(lambda: invoker.whole(sent), wait_seconds=wait_seconds, waiting=waiting)
    return Invocation(target, answer, time.monotonic() - began)


def read_body(given: str, stdin: str | None) -> bytes:
    """Return the body that `--body` gives: a JSON text, the path of a JSON file, or `-` for standard input.

    Raises:
        UsageError: the file cannot be read, or the text is not JSON.

    """
    text: str | bytes = given
    where = "--body"
    if given == "-":
        text, where = stdin or "", "--body -: standard input"
    elif not given.lstrip().startswith(("{", "[")):
        where = f"--body {given}"
        try:
            text = Path(given).read_bytes()
        except (OSError, ValueError) as fault:  # ValueError: an invalid file name
            raise UsageError(
                f"{where} cannot be read: {unreadable(fault)}: give JSON, the path of a JSON file, or -"
            ) from None
    try:
        json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise UsageError(f"{where} is not JSON: {unreadable(fault).removeprefix('it is not JSON: ')}") from None
    return text.encode() if isinstance(text, str) else text


def _read(read: Callable[[bytes], Answer], body: bytes) -> Answer:
    try:
        return read(body)
    except ValueError as fault:
        raise OperationError(str(fault)) from None


def _body(target: Target, texts: Sequence[str]) -> bytes:
    """Return the body for texts, in the form of the component's engine."""
    if target.task == "score" and len(texts) < 2:
        raise UsageError(
            "this model scores documents for a query: give --text QUERY and --text DOCUMENT for each document"
        )
    if target.task == "generate":
        if len(texts) > 1:
            raise UsageError(f"{len(texts)} texts: this model answers a single message: give one --text, or --body")
        template = None if target.dialect.takes_messages else template_for(target.model)
        message = [{"role": "user", "content": texts[0]}]
        return body_of(target.dialect, template, message, Generation(), stream=False)
    try:
        return target.dialect.pooled_body(texts, target.task)
    except ValueError as fault:
        raise OperationError(f"{fault}: use --body with a body that its engine accepts") from None
