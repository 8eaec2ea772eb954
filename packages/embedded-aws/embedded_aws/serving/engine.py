"""Protocols between the embedded AWS and a serving engine, which runs in the containers of copies.

As on SageMaker, a container receives a body on a path, and answers with a status, a content type and a body in parts.
The engine is passed in when the embedded AWS starts, or an installed distribution provides it. It can be a stand-in
that waits as long as a model would take, or it can start a process that listens on a port.
"""

from __future__ import annotations

import pkgutil
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast, runtime_checkable

from replicas.errors import ServingError
from replicas.load import Load

if TYPE_CHECKING:
    from embedded_aws.sagemaker.destinations import ServingCopy

Path: TypeAlias = Literal["/invocations", "/v1/chat/completions"]
INVOCATIONS: Path = "/invocations"
"""The path on which SageMaker Runtime calls every container."""
CHAT_COMPLETIONS: Path = "/v1/chat/completions"
"""The path behind SageMaker's OpenAI-compatible URL."""

Health: TypeAlias = Literal["starting", "ready", "failed"]
"""Result of the health check of a copy's container."""

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
        """Whether the body is a stream of events."""

    @property
    def tokens(self) -> int | None:
        """Number of tokens that the answer will have; None if the engine does not know it."""

    @property
    def parts(self) -> AsyncGenerator[Sequence[bytes]]:
        """The body: each item holds the events, or other parts, that arrived since the last item.

        Closing the generator cancels the request.
        """


class RunningContainer(Protocol):
    """The running container of one copy. It must be used on one event loop only."""

    @property
    def outstanding(self) -> int:
        """Number of requests that the container has not answered yet."""

    async def invoke(self, body: bytes, path: Path) -> Reply:
        """Send a request and return the container's answer, which can have an error status."""

    async def shutdown(self) -> None:
        """Stop immediately, without waiting for running requests."""


class TimedRequest(Protocol):
    """An answered request of a benchmark. Times are seconds from the start of the benchmark."""

    @property
    def asked(self) -> float: ...  # noqa: D102 (named by the class)

    @property
    def first_token(self) -> float: ...  # noqa: D102

    @property
    def ended(self) -> float: ...  # noqa: D102

    @property
    def output_tokens(self) -> int: ...  # noqa: D102


class BenchmarkOutcome(Protocol):
    """All requests of a benchmark, including those that ended after its duration."""

    @property
    def answered(self) -> Sequence[TimedRequest]: ...  # noqa: D102

    @property
    def refused(self) -> Sequence[float]:
        """Time of each refusal, in seconds from the start of the benchmark."""


class Container(Protocol):
    """Definition of the container that runs in every copy of a component."""

    def start(self, speed: float) -> RunningContainer:
        """Start the container of one copy. It answers `speed` times faster than on AWS."""

    def benchmark(self, *, copies: int, routing: str, load: Load, duration_seconds: float) -> BenchmarkOutcome:
        """Run a benchmark: a load on a number of copies.

        Args:
            copies: number of copies that answer.
            routing: SageMaker's routing strategy, such as `RANDOM`.
            load: the load, as for forecasts.
            duration_seconds: time after which users or a request rate send no more requests. Bursts and traces end with
                their last request.

        Raises:
            ServingError: the engine cannot run this load.

        """


class ServingEngine(Protocol):
    """Creates containers for container images."""

    def container(
        self,
        *,
        copy: str,
        image: str,
        environment: Mapping[str, str],
        instance_type: str,
        accelerators: int,
        repository: str | None,
    ) -> Container:
        """Return the container of a component's copies.

        Args:
            copy: id of the copy that the container is for.
            image: address of the container image.
            environment: environment variables of the container.
            instance_type: type of the instance that the copy runs on.
            accelerators: number of accelerators that the copy has for itself.
            repository: model repository of the weights that were staged to S3 for the component; None if it has no
                weights in S3, or if their repository is unknown.

        Raises:
            ServingError: this engine cannot serve the image or the model, or cannot run on the instance.

        """


@runtime_checkable
class HealthChecked(Protocol):
    """A serving engine whose copies are ready when a health check succeeds, instead of at a planned time."""

    def health(
        self, copy: str, environment: Mapping[str, str], timeout_seconds: float, log: Callable[[str], None]
    ) -> Health:
        """Return the current health of a copy; the first call starts the copy."""

    def stop(self, copy: str) -> None:
        """Stop a copy, if it was started."""

    def shutdown(self) -> None:
        """Stop all copies; return when they have ended."""


class NoEngine:
    """An engine that refuses every image. Without an engine, everything except invocations works."""

    def container(self, *, image: str, **_: object) -> Container:
        """Refuse every image.

        Raises:
            ServingError: always.

        """
        raise ServingError(
            f"image {image} cannot run: this embedded AWS has no serving engine (no installed "
            f"distribution has an entry point {ENTRY_POINTS})"
        )


def engine_named(reference: str) -> ServingEngine:
    """Import the engine class `module:Class` and create the engine without arguments.

    Raises:
        ServingError: the module or the class does not exist.

    """
    try:
        made = pkgutil.resolve_name(reference)()
    except (ImportError, AttributeError, ValueError) as fault:
        raise ServingError(f"the serving engine {reference!r} cannot be loaded: {fault}") from None
    return cast("ServingEngine", made)


def installed_engine() -> ServingEngine:
    """Return the engine that an installed distribution provides; `NoEngine` if none provides one.

    Raises:
        ServingError: several engines are installed, so one must be named.

    """
    references = sorted({entry.value for entry in entry_points(group=ENTRY_POINTS)})
    if len(references) > 1:
        raise ServingError(f"several serving engines are installed: name one of {', '.join(references)}")
    return engine_named(references[0]) if references else NoEngine()


def container_of(engine: ServingEngine, copy: ServingCopy, repository: str | None = None) -> Container:
    """Return the container of a copy.

    Args:
        engine: the serving engine.
        copy: the copy, with its image and its environment variables.
        repository: model repository of its weights in S3; None if it is unknown.

    Raises:
        ServingError: the engine cannot serve the image, the model or the instance.

    """
    return engine.container(
        copy=copy.id,
        image=copy.image,
        environment=copy.environment,
        instance_type=copy.instance_type,
        accelerators=copy.accelerators,
        repository=repository,
    )
