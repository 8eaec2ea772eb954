"""Cold start of a component: time until a new copy serves, and the resulting delays of wake-up, scaling and updates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any

from replicas.names import CopyTarget
from replicas.planning.plans import ComponentPlan, EndpointPlan
from replicas.planning.starts import start_warnings
from replicas.start import Start
from replicas.start.phases import PhaseName, Span
from replicas.start.records import StartRecord
from replicas.start.timeouts import longest_download, longest_start

_SCALE_OUT_PERIODS = 3
"""Number of metric periods after which a target-tracking policy adds copies."""
_DELIVERY_SECONDS = 60
"""Longest time that CloudWatch is assumed to take to deliver a metric, seconds."""


@dataclass(frozen=True, kw_only=True)
class Timeout:
    """A timeout of the plan, and the time that it must cover."""

    name: str
    seconds: int
    covers: Span
    least: float
    """Smallest sufficient timeout, seconds."""
    reason: str

    @property
    def is_enough(self) -> bool:
        """True if the timeout covers the longest expected time of the phases that are known for the engine."""
        return self.seconds >= self.least

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.forecast.document.TimeoutDocument`)."""
        return {
            "name": self.name,
            "seconds": self.seconds,
            "covers": self.covers.to_document(),
            "is_enough": self.is_enough,
            "reason": self.reason,
        }


@dataclass(frozen=True, kw_only=True)
class Delay:
    """Duration of an operation that needs new copies, for example scaling out."""

    name: str
    what: str
    span: Span

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.forecast.document.DelayDocument`)."""
        return {"name": self.name, "what": self.what, **self.span.to_document()}


@dataclass(frozen=True, kw_only=True)
class ColdStart:
    """Cold start of one component of a plan."""

    plan: EndpointPlan
    component: ComponentPlan
    start: Start
    measured: StartRecord | None
    """Record of a measured start whose times are used; None if no record matches this copy."""
    notes: tuple[str, ...]
    """Reasons why records of measured starts are not used."""

    @property
    def timeouts(self) -> tuple[Timeout, ...]:
        """The timeouts of the plan, with the times that they must cover."""
        component, reasons = self.component, self.component.reasons
        own = Timeout(
            name="ContainerStartupHealthCheckTimeoutInSeconds",
            seconds=component.startup_timeout_seconds,
            covers=self.start.container,
            least=longest_start(self.component.start),
            reason=reasons["startup_timeout_seconds"],
        )
        if component.download_timeout_seconds is None:
            return (own,)
        download = Timeout(
            name="ModelDataDownloadTimeoutInSeconds",
            seconds=component.download_timeout_seconds,
            covers=self.start.download,
            least=longest_download(self.start),
            reason=reasons["download_timeout_seconds"],
        )
        return own, download

    @property
    def delays(self) -> tuple[Delay, ...]:
        """Durations of all operations of the deployment that need new copies."""
        return tuple(self._delays())

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings of the plan about timeouts that are shorter than a start can take."""
        return tuple(start_warnings(self.plan))

    def delay(self, name: str) -> Delay | None:
        """Return the delay with this name; None if the deployment has no such operation."""
        return next((delay for delay in self.delays if delay.name == name), None)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document (`replicas.forecast.document.ColdStartDocument`)."""
        return {
            "schema": "replicas.cold-start/1",
            "deployment": self.plan.name,
            "component": self.component.name,
            "model": self.component.model.id,
            "engine": str(self.component.engine),
            "instance_type": self.plan.instance.name,
            "accelerators": self.component.accelerators,
            "weights": "s3" if self.start.from_s3 else "hub",
            "phases": [phase.to_document() for phase in self.start.phases],
            "timeouts": [timeout.to_document() for timeout in self.timeouts],
            "delays": [delay.to_document() for delay in self.delays],
            "measured": self.measured.to_document() if self.measured else None,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }

    def _delays(self) -> Iterator[Delay]:
        component, start = self.component, self.start
        yield Delay(name="copy", what="a copy on a running instance that has the image", span=start.copy)
        yield Delay(
            name="copy_on_new_instance",
            what="a copy on a newly launched instance, with or without a cached image",
            span=start.copy_on_new_instance,
        )
        yield Delay(name="new_endpoint", what="the first copy of a new endpoint", span=self._new_endpoint())
        if component.scaling:
            yield from self._scaling_delays(component)
        if component.rollout:
            batches = ceil(component.copies / component.rollout.batch_copies)
            wait = component.rollout.wait_seconds
            yield Delay(
                name="roll",
                what=f"a rolling update of {component.copies} copies takes {batches} times the start of a copy plus "
                f"{wait} s",
                span=start.copy.plus(batches * wait, times=batches),
            )

    def _scaling_delays(self, component: ComponentPlan) -> Iterator[Delay]:
        scaling = component.scaling
        assert scaling  # noqa: S101 (the caller checks it)
        instances_scale = self.plan.instance_scaling is not None
        period = (
            CopyTarget.CONCURRENCY_PERIOD_SECONDS
            if scaling.on_concurrent_requests
            else CopyTarget.INVOCATIONS_PERIOD_SECONDS
        )
        seen = _SCALE_OUT_PERIODS * period
        yield Delay(
            name="scale_out",
            what=f"one more copy on a running instance after the load has grown, which is noticed after "
            f"{_SCALE_OUT_PERIODS} periods of {period} s",
            span=self.start.copy.plus(seen, seen + _DELIVERY_SECONDS),
        )
        if instances_scale:
            yield Delay(
                name="scale_out_on_new_instance",
                what="the same on a newly launched instance",
                span=self.start.copy_on_new_instance.plus(seen, seen + _DELIVERY_SECONDS),
            )
        if scaling.wakes:
            asleep = instances_scale and self.plan.min_instances == 0
            span = self.start.copy_on_new_instance if asleep else self.start.copy
            yield Delay(
                name="wake",
                what="the first answer after a request that found no copy"
                + (" and no instance" if asleep else " on a running instance")
                + f": its alarm needs one period of {CopyTarget.WAKE_PERIOD_SECONDS} s",
                span=span.plus(0, CopyTarget.WAKE_PERIOD_SECONDS + _DELIVERY_SECONDS),
            )

    def _new_endpoint(self) -> Span:
        record = self.measured
        if record is None:
            return self.start.new_endpoint
        seconds = record.component_seconds
        if record.endpoint_seconds is not None:
            return Span(
                seconds=record.endpoint_seconds + seconds,
                low=record.endpoint_seconds + seconds,
                high=record.endpoint_seconds + seconds,
            )
        instance = self.start.phase("instance")
        return Span(seconds=None, low=instance.low + seconds, high=instance.high + seconds)


def cold_start(plan: EndpointPlan, component: ComponentPlan, records: Iterable[StartRecord] = ()) -> ColdStart:
    """Return the cold start of a component.

    Its times come from a measured start of the same copy on AWS or, without one, from published starts.

    Args:
        plan: the plan of the endpoint.
        component: a component of the plan.
        records: measured starts (`replicas.start.records`). Records of an embedded AWS are never used.

    """
    own = [record for record in records if record.model == model_of_record(component)]
    usable, notes = [], []
    for record in own:
        reason = _why_not(record, plan, component)
        if reason is None:
            usable.append(record)
        else:
            notes.append(f"the start measured on {record.measured} is not used: {reason}")
    newest = max(usable, key=lambda record: record.measured, default=None)
    start = component.start
    if newest is not None:
        seconds: dict[PhaseName, float] = dict(newest.phase_seconds)
        if newest.endpoint_seconds is not None:
            seconds["instance"] = newest.endpoint_seconds
        start = start.with_measured(seconds, f"measured on AWS on {newest.measured}, {newest.region}")
    return ColdStart(plan=plan, component=component, start=start, measured=newest, notes=tuple(notes))


def model_of_record(component: ComponentPlan) -> str:
    """Return the model of a component as records of starts name it: the S3 location of its weights, or its Hub
    repository.
    """
    return component.weights or component.model.id


def _why_not(record: StartRecord, plan: EndpointPlan, component: ComponentPlan) -> str | None:
    """Return the reason why a record does not apply to a component; None if it applies."""
    weights = "s3" if component.weights else "hub"
    if not record.is_of_aws:
        return "it was measured on an embedded AWS, whose times are simulated"
    if record.engine != str(component.engine):
        return f"its engine is {record.engine}"
    if record.instance_type != plan.instance.name:
        return f"its instance type is {record.instance_type}"
    if record.accelerators != component.accelerators:
        return f"its copies have {record.accelerators} accelerators, not {component.accelerators}"
    if record.weights != weights:
        return f"its weights come from {'S3' if record.weights == 's3' else 'the Hub'}"
    return None
