"""What a service of the embedded AWS is: methods named like its operations, parameters in, an answer out."""

from __future__ import annotations

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
"""The one account there is."""

Parameters: TypeAlias = Mapping[str, Any]
Answer: TypeAlias = dict[str, Any]


class ServiceError(Exception):
    """A service's refusal: AWS's error code, a message, and the evidence that AWS refuses this."""

    def __init__(self, code: str, message: str, evidence: Evidence | Sequence[Evidence], *, status: int = 400) -> None:
        """Refuse a request.

        Args:
            code: AWS's error code.
            message: AWS's words where they are known.
            evidence: where the refusal has been seen; several where the message joins several problems.
            status: HTTP status.

        """
        super().__init__(message)
        self.code = code
        self.message = message
        self.evidence = (evidence,) if isinstance(evidence, Evidence) else tuple(evidence)
        self.status = status


class RequestProblem(NamedTuple):
    """One fault of a request that can have several: they are refused together."""

    message: str
    evidence: Evidence


def refused_together(code: str, problems: Iterable[RequestProblem]) -> ServiceError:
    """One refusal for all problems of a request."""
    distinct = list(dict.fromkeys(problems))
    return ServiceError(
        code, " ".join(problem.message for problem in distinct), [problem.evidence for problem in distinct]
    )


@dataclass(frozen=True)
class Surroundings:
    """Where a service runs. Services call each other over HTTP, as the real ones do."""

    region: str
    endpoint_url: str
    clock: Clock
    faults: Faults
    engine: ServingEngine = field(default_factory=NoEngine)
    """Runs in the containers of copies."""

    @cached_property
    def monitoring(self) -> Monitoring:
        """Metrics and alarms of the region: what AWS's services tell each other on ways that no user sees."""
        return Monitoring(self.clock)

    def arn(self, service: str, resource: str) -> str:
        """ARN of a resource of this account and region."""
        return f"arn:aws:{service}:{self.region}:{ACCOUNT}:{resource}"

    def client(self, service: str) -> Any:
        """A boto3 client of another service of this embedded AWS, without retries, past any proxy of the user."""
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
    """A service in one region. Operations without a method here are left to moto."""

    name: ClassVar[str]
    """botocore's name of the service."""

    def __init__(self, surroundings: Surroundings) -> None:
        self.surroundings = surroundings

    def method(self, operation: str) -> Callable[[Parameters], Answer] | None:
        """The method that answers an operation such as `CreateModel`; None where moto does."""
        return cast("Callable[[Parameters], Answer] | None", getattr(self, xform_name(operation), None))

    def shutdown(self) -> None:
        """Stop what runs in the background; where nothing does, there is nothing to stop."""

    def state(self) -> dict[str, Any]:
        """What survives a restart: plain data that can be pickled, without threads and locks."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave, in a service that was just made."""
        self.__dict__.update(state)
