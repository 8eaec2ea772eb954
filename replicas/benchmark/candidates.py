"""Compares deployments, and measures only those that the forecast cannot distinguish."""

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
from replicas.forecast.comparable import Candidate, SplitCandidates, split_by_forecast
from replicas.load import Load


@dataclass(frozen=True)
class Comparison:
    """Comparison of deployments under one load, by the forecast or, if it cannot decide, by measurements."""

    split: SplitCandidates
    verifications: dict[str, Verification]
    """Measurements by the name of the deployment."""

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.benchmark.document.CandidatesDocument`)."""
        candidates = [
            *((candidate, True) for candidate in self.split.undecided),
            *((candidate, False) for candidate in self.split.decided),
        ]
        return {
            "schema": "replicas.verification-candidates/1",
            "candidates": [
                {
                    "deployment": candidate.name,
                    "usd_per_million_output_tokens": candidate.usd_per_million_output_tokens,
                    "error": candidate.error,
                    "is_measured": is_measured,
                }
                for candidate, is_measured in candidates
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
    """Forecast deployments, and measure those whose error bands overlap with the band of the cheapest.

    Args:
        names: names of stacks, each with one component.
        loads: a list with exactly one load, at which prices are compared.
        region: AWS region. Default: the region that the CDK CLI would use.
        duration_seconds: length of the load.
        profile: engine profile for the forecasts.
        measure: measures a deployment with an AWS benchmark job.
        tell: called with progress lines for people.

    Raises:
        UsageError: several loads are given, or a deployment is given twice.
        OperationError: a deployment is not in service.

    """
    if len(loads) != 1 or len(set(names)) != len(names):
        raise UsageError(
            "--against compares deployments at one load: name each deployment once, and give exactly one load"
        )
    aws = Aws(region)
    candidates = [_candidate(aws, name, loads[0], duration_seconds, profile) for name in names]
    split = split_by_forecast(candidates)
    for candidate in split.decided:
        tell(f"{candidate.name}: the forecast alone decides, so no job runs: {candidate.words}")
    for candidate in split.undecided:
        tell(f"{candidate.name}: the forecast cannot distinguish this deployment from the cheapest: {candidate.words}")
    return Comparison(split, {candidate.name: measure(candidate.name) for candidate in split.undecided})


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
    except ReplicasError:  # without a forecast, the deployment is measured
        return Candidate(name=name, usd_per_million_output_tokens=None, error=None)
    return Candidate.of(name, predicted)
