"""Compare deployments, and measure only those that the forecast cannot tell apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from replicas.aws.deployed import find_deployed
from replicas.aws.session import Aws
from replicas.benchmark.forecast_comparison import lengths_of_subject, planned, routing_of
from replicas.benchmark.subject import find_subject
from replicas.benchmark.verification import Verification
from replicas.engines.profile import Profile
from replicas.errors import ReplicasError, UsageError
from replicas.forecast import forecast
from replicas.forecast.telling_apart import Candidate, Told, told_apart
from replicas.load import Load


@dataclass(frozen=True)
class Comparison:
    """Deployments under one load: which of them the forecast decides about, and measurements of the others."""

    told: Told
    verifications: dict[str, Verification]
    """By deployment: those that were sent to a job."""

    def to_document(self) -> dict[str, Any]:
        """JSON document (`replicas.benchmark.document.CandidatesDocument`)."""
        candidates = [(one, True) for one in self.told.undecided] + [(one, False) for one in self.told.decided]
        return {
            "schema": "replicas.verification-candidates/1",
            "candidates": [
                {
                    "deployment": one.name,
                    "usd_per_million_output_tokens": one.usd_per_million_output_tokens,
                    "error": one.error,
                    "is_measured": is_measured,
                }
                for one, is_measured in candidates
            ],
            "verifications": {name: each.to_document() for name, each in self.verifications.items()},
        }


def compare(
    names: Sequence[str],
    *,
    loads: Sequence[Load],
    region: str | None,
    duration_seconds: float,
    profile: Profile | None,
    measure: Callable[[str], Verification],
    tell: Callable[[str], None] = lambda _line: None,
) -> Comparison:
    """Forecast deployments, and have `measure` verify those whose error bands overlap with that of the cheapest.

    Args:
        names: names of stacks, each with one component.
        loads: one load: prices are compared at it.
        region: AWS region. Default: boto3's.
        duration_seconds: length of the load.
        profile: engine profile for the forecasts.
        measure: has AWS's job measure a deployment.
        tell: called with progress lines for people.

    Raises:
        UsageError: several loads are given, or a deployment twice.
        OperationError: a deployment is not in service.

    """
    if len(loads) != 1 or len(set(names)) != len(names):
        raise UsageError("--against compares different deployments at one load")
    aws = Aws(region)
    candidates = [_candidate(aws, name, loads[0], duration_seconds, profile) for name in names]
    told = told_apart(candidates)
    for one in told.decided:
        tell(f"{one.name}: the forecast decides, no job: {one.words}")
    for one in told.undecided:
        tell(f"{one.name}: the forecast cannot tell it from the cheapest: {one.words}")
    return Comparison(told, {one.name: measure(one.name) for one in told.undecided})


def _candidate(aws: Aws, name: str, load: Load, duration_seconds: float, profile: Profile | None) -> Candidate:
    deployed = find_deployed(aws, name, None)
    subject = find_subject(aws, deployed, deployed.component(None))
    try:
        endpoint, component = planned(subject)
        predicted = forecast(
            endpoint,
            component,
            [lengths_of_subject(load, subject)],
            duration_seconds=duration_seconds,
            routing=routing_of(subject),
            profile=profile,
        )
    except ReplicasError:  # without a forecast it is told apart from nothing: the job says why
        return Candidate(name=name, usd_per_million_output_tokens=None, error=None)
    return Candidate.of(name, predicted)
