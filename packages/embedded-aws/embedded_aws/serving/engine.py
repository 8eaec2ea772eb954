"""What runs in the containers of copies: the protocol between the embedded AWS and a serving engine.

A container is asked as SageMaker asks a real one, with a body on a path, and answers with a status, a content type and
a body that comes in parts. An engine is handed over by whoever starts the embedded AWS, or found among the installed
distributions. It may be a stand-in that waits as long as a model would take, or start a process that listens on a port.
"""

from __future__ import annotations

import pkgutil
from collections.abc import AsyncGenerator, Mapping, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

from replicas.errors import ServingError

if TYPE_CHECKING:
    from embedded_aws.sagemaker.destinations import ServingCopy

Path: TypeAlias = Literal["/invocations", "/v1/chat/completions"]
INVOCATIONS: Path = "/invocations"
"""The path on which SageMaker Runtime asks every container."""
CHAT_COMPLETIONS: Path = "/v1/chat/completions"
"""The path behind SageMaker's OpenAI-compatible URL."""

ENTRY_POINTS = "embedded_aws.serving"
"""Group of entry points, each naming a `ServingEngine` class."""


class Reply(Protocol):
    """A container's answer to one request."""

    @property
    def status(self) -> int:
        """HTTP status."""

    @property
    def media_type(self) -> str:
        """Content type of the body."""

    @property
    def is_stream(self) -> bool:
        """True where the body comes event by event."""

    @property
    def tokens(self) -> int | None:
        """Tokens that the answer will have; None where the engine does not know."""

    @property
    def parts(self) -> AsyncGenerator[Sequence[bytes]]:
        """The body: each time the events, or other parts, that have come since. Closing it cancels the request."""


class RunningContainer(Protocol):
    """The container of one copy. It lives on the event loop that it is used on."""

    @property
    def outstanding(self) -> int:
        """Requests that it has not answered yet."""

    async def invoke(self, body: bytes, path: Path) -> Reply:
        """The container's answer, also where the answer is a refusal."""

    async def shutdown(self) -> None:
        """Stop in the middle of whatever it does."""


class TimedRequest(Protocol):
    """A request of a benchmark that was answered; seconds from the beginning."""

    @property
    def asked(self) -> float: ...  # noqa: D102 (named by the class)

    @property
    def first_token(self) -> float: ...  # noqa: D102

    @property
    def ended(self) -> float: ...  # noqa: D102


class BenchmarkOutcome(Protocol):
    """Every request of a benchmark, also those that ended after its duration."""

    @property
    def answered(self) -> Sequence[TimedRequest]: ...  # noqa: D102

    @property
    def refused(self) -> Sequence[float]:
        """When each refusal was given, seconds from the beginning."""


class Container(Protocol):
    """What runs in every copy of a component."""

    def start(self, speed: float) -> RunningContainer:
        """Start the container of one copy, `speed` times faster than it would answer on AWS."""

    def benchmark(
        self, *, copies: int, routing: str, users: int, input_tokens: int, output_tokens: int, duration_seconds: float
    ) -> BenchmarkOutcome:
        """What a number of users who ask again and again would see of so many copies.

        Args:
            copies: that answer.
            routing: SageMaker's strategy, such as `RANDOM`.
            users: each has one request in flight.
            input_tokens: of each prompt.
            output_tokens: of each answer.
            duration_seconds: after it nobody asks again.

        Raises:
            ServingError: the load cannot be followed.

        """


class ServingEngine(Protocol):
    """Knows containers by their images."""

    def container(
        self,
        *,
        image: str,
        environment: Mapping[str, str],
        instance_type: str,
        accelerators: int,
        repository: str | None,
    ) -> Container:
        """The container of a component's copies.

        Args:
            image: address of the container image.
            environment: the container's variables.
            instance_type: of the instance that the copy is on.
            accelerators: that the copy has for itself.
            repository: whose weights were staged to S3 for it; None where it has no weights there, or nothing says
                whose they are.

        Raises:
            ServingError: the image, the model or the instance is not one that this engine can serve.

        """


class NoEngine:
    """An engine that serves nothing: everything but invocations works without one."""

    def container(self, *, image: str, **_: object) -> Container:
        """Refuse.

        Raises:
            ServingError: always.

        """
        raise ServingError(
            f"image {image} cannot run: this embedded AWS was started without a serving engine (no installed "
            f"distribution has an entry point {ENTRY_POINTS})"
        )


def engine_named(reference: str) -> ServingEngine:
    """The engine that `module:Class` names, made without arguments.

    Raises:
        ServingError: no such module or class.

    """
    try:
        made = pkgutil.resolve_name(reference)()
    except (ImportError, AttributeError, ValueError) as fault:
        raise ServingError(f"no serving engine {reference!r}: {fault}") from None
    return cast("ServingEngine", made)


def installed_engine() -> ServingEngine:
    """The engine of the installed distributions; `NoEngine` where none of them brings one.

    Raises:
        ServingError: several bring one, and nothing says which is meant.

    """
    found = sorted({entry.value for entry in entry_points(group=ENTRY_POINTS)})
    if len(found) > 1:
        raise ServingError(f"several serving engines are installed: name one of {', '.join(found)}")
    return engine_named(found[0]) if found else NoEngine()


def container_of(engine: ServingEngine, copy: ServingCopy, repository: str | None = None) -> Container:
    """The container of a copy.

    Args:
        engine: that knows the image.
        copy: with its image and its variables.
        repository: whose weights it has from S3, where that is known.

    Raises:
        ServingError: an image, a model or an instance that the engine cannot serve.

    """
    return engine.container(
        image=copy.image,
        environment=copy.environment,
        instance_type=copy.instance_type,
        accelerators=copy.accelerators,
        repository=repository,
    )
