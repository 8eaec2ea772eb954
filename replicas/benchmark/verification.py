"""Measures a deployment with AWS's benchmark jobs and compares the results with the forecast."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from replicas.aws.deployed import find_deployed
from replicas.aws.session import Aws
from replicas.benchmark.forecast_comparison import planned, routing_of
from replicas.benchmark.jobs import JobMetrics, Order, clean_up, jobs, judge, left_behind
from replicas.benchmark.subject import Subject, find_subject
from replicas.engines import dialects
from replicas.engines.profile import Profile
from replicas.errors import OperationError, ReplicasError, UsageError
from replicas.forecast import Forecast, forecast
from replicas.load import Load

_COMPARED = {
    "requests_per_second": "requests_per_second_window",
    "latency_p50_seconds": "latency_p50_seconds",
    "ttft_p50_seconds": "ttft_p50_seconds",
}
"""Forecast metric for each metric of a job. The throughput of a job counts answers within its duration."""


@dataclass(frozen=True)
class Verification:
    """The results of the jobs, one per load, and the forecast of the same loads."""

    judgements: tuple[JobMetrics, ...]
    forecast: Forecast | None
    no_forecast: str | None
    """Reason why the loads have no forecast; None if they have one."""

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The metrics of each job with their forecast and its relative error (forecast / measured - 1)."""
        return [self._row(number, judgement) for number, judgement in enumerate(self.judgements)]

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.benchmark.document.VerificationDocument`)."""
        return {
            "schema": "replicas.verification/1",
            "points": self.rows,
            "confidence": self.forecast.confidence if self.forecast else None,
            "basis": self.forecast.basis if self.forecast else None,
            "no_forecast": self.no_forecast,
        }

    def _row(self, number: int, judgement: JobMetrics) -> dict[str, Any]:
        if self.forecast is None:
            return {**vars(judgement), "forecast": None, "errors": None}
        point = self.forecast.points[number]
        expected = {metric: getattr(point, name) for metric, name in _COMPARED.items()}
        errors = {
            metric: value / getattr(judgement, metric) - 1
            for metric, value in expected.items()
            if value is not None and getattr(judgement, metric)
        }
        return {**vars(judgement), "forecast": expected, "errors": errors}


def verify(
    name: str | None = None,
    *,
    loads: Sequence[Load],
    output: str,
    role: str,
    endpoint: str | None = None,
    component: str | None = None,
    region: str | None = None,
    duration_seconds: float = 90,
    tokenizer: str | None = None,
    token_secret: str | None = None,
    keep: bool = False,
    profile: Profile | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Verification:
    """Measure a deployed component with AWS's benchmark job (AIPerf), one job for each load. AWS bills the jobs.

    Args:
        name: name of a stack; `endpoint` names any endpoint instead.
        loads: users, rates or bursts.
        output: `s3://bucket/prefix/` for the results.
        role: ARN of a role that SageMaker assumes, with permission to invoke the endpoint and to write to `output`.
        endpoint: name of an endpoint.
        component: name or label of the component; required if the endpoint has several.
        region: AWS region. Default: the region that the CDK CLI would use.
        duration_seconds: length of each job's load.
        tokenizer: Hub repository of the tokenizer that counts tokens. Default: the model's.
        token_secret: ARN of a secret with a Hugging Face token, for the tokenizer of a gated repository.
        keep: do not delete the jobs and their workload configurations.
        profile: engine profile for the forecast.
        tell: called with progress lines for people.

    Raises:
        OperationError: the engine does not accept chat messages, a parameter is invalid, or a job did not complete.

    """
    orders = [
        Order(
            load=load,
            duration_seconds=duration_seconds,
            model=tokenizer,
            output=output,
            role_arn=role,
            token_secret_arn=token_secret,
        )
        for load in loads
    ]
    if problems := list(dict.fromkeys(fault for order in orders for fault in order.problems())):
        raise OperationError("; ".join(problems))
    aws = Aws(region)
    deployed = find_deployed(aws, name, endpoint)
    subject = find_subject(aws, deployed, deployed.component(component))
    if subject.task != "generate" or not dialects()[subject.dialect].takes_messages:
        raise OperationError(
            f"the job sends OpenAI chat requests, which {subject.component} does not accept: use `replicas benchmark` "
            f"instead"
        )
    orders = [replace(order, model=order.model or subject.model) for order in orders]
    judgements = tuple(
        judge(aws, deployed.name, subject.endpoint, subject.component, order, tell=tell, keep=keep) for order in orders
    )
    try:
        return Verification(judgements, _forecast(subject, orders, profile), None)
    except ReplicasError as refusal:
        return Verification(judgements, None, str(refusal))


def list_jobs(deployment: str | None, region: str | None = None) -> list[dict[str, str]]:
    """Return name, status and creation time of the jobs of a deployment, newest first."""
    return [
        {
            "job": job["AIBenchmarkJobName"],
            "status": job["AIBenchmarkJobStatus"],
            "created": job["CreationTime"].isoformat(timespec="seconds"),
        }
        for job in jobs(Aws(region), _named(deployment))
    ]


def delete_jobs(
    deployment: str | None, region: str | None = None, *, tell: Callable[[str], None] = lambda _line: None
) -> list[str]:
    """Delete the jobs and workload configurations that earlier runs left, and return their names."""
    aws = Aws(region)
    names = left_behind(aws, _named(deployment))
    for name in names:
        clean_up(aws, name, tell=tell)
    return names


def _named(deployment: str | None) -> str:
    if deployment is None:
        raise UsageError("give either the NAME of a deployment or --endpoint")
    return deployment


def _forecast(subject: Subject, orders: Sequence[Order], profile: Profile | None) -> Forecast:
    endpoint, component = planned(subject)
    return forecast(
        endpoint,
        component,
        [order.load for order in orders],
        duration_seconds=orders[0].duration_seconds,
        routing=routing_of(subject),
        profile=profile,
    )
