"""Base class of the embedded AWS's services. Each operation is a method that takes parameters and returns an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, TypeAlias, cast

from botocore import xform_name

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch.monitoring import Monitoring
from embedded_aws.evidence import Evidence
from embedded_aws.faults import Faults
from embedded_aws.serving.engine import NoEngine, ServingEngine

ACCOUNT = "123456789012"
"""The only AWS account of the embedded AWS."""

_CREATING = threading.Lock()
"""Lock for creating clients: boto3's clients are thread-safe, but its default session is not."""

Parameters: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = dict[str, Any]


class ServiceError(Exception):
    """An AWS error response: AWS's error code, a message, and the evidence that AWS refuses the request."""

    def __init__(self, code: str, message: str, evidence: Evidence | Sequence[Evidence], *, status: int = 400) -> None:
        """Create the error.

        Args:
            code: AWS's error code.
            message: AWS's own message if it is known.
            evidence: evidence of the refusal; a list if the message joins several problems.
            status: HTTP status.

        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.evidence = (evidence,) if isinstance(evidence, Evidence) else tuple(evidence)
        self.status = status


class RequestProblem(NamedTuple):
    """One problem of a request. All problems of a request are reported in one error."""

    message: str
    evidence: Evidence


def refused_together(code: str, problems: Iterable[RequestProblem]) -> ServiceError:
    """Return one error for all problems of a request, without duplicates."""
    distinct = list(dict.fromkeys(problems))
    return ServiceError(
        code, " ".join(problem.message for problem in distinct), [problem.evidence for problem in distinct]
    )


@dataclass(frozen=True)
class Surroundings:
    """Region, endpoint URL, clock, faults and engine of a service.

    A service calls other services over HTTP, as on AWS.
    """

    region: str
    endpoint_url: str
    clock: Clock
    faults: Faults
    engine: ServingEngine = field(default_factory=NoEngine)
    """Serving engine that runs in the containers of copies."""
    _clients: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def monitoring(self) -> Monitoring:
        """Metrics and alarms of the region. Services use them directly, without HTTP, as AWS's services do
        internally.
        """
        return Monitoring(self.clock)

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{resource}"

    def client(self, service: str) -> Any:
        """Return the boto3 client of another service of this embedded AWS.

        The client is created at the first call and shared by all threads.
        """
        with _CREATING:
            if service not in self._clients:
                self._clients[service] = self.new_client(service)
            return self._clients[service]

    def close(self) -> None:
        """Close the connections of all clients."""
        with _CREATING:
            for client in self._clients.values():
                client.close()
            self._clients.clear()

    def new_client(self, service: str) -> Any:
        """Create a boto3 client without retries and proxies. The creation takes 20 ms of CPU time."""
        import boto3
        from botocore.config import Config

        return boto3.client(  # type: ignore[call-overload]  # any service by its name
            service,
            region_name=self.region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106
            config=Config(retries={"max_attempts": 0}, proxies={}),
        )


class Service:
    """A service in one region. moto answers the operations for which the class has no method."""

    name: ClassVar[str]
    """botocore's name for the service."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings

    def method(self, operation: str) -> Callable[[Parameters], Answer] | None:
        """Return the method for an operation such as `CreateModel`; None if moto answers it."""
        return cast("Callable[[Parameters], Answer] | None", getattr(self, xform_name(operation), None))

    def shutdown(self) -> None:
        """Stop the service's background threads. The base class has none."""

    def state(self) -> dict[str, Any]:
        """State that survives a restart: data that can be pickled, without threads and locks."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Load into a new service the state that `state` returned."""
        self.__dict__.update(state)
