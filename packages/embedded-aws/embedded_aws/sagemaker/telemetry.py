"""What SageMaker publishes to CloudWatch: requests as they come and end, gauges as copies and instances change.

Utilisation is made up, for nothing is computed here: a copy that answers uses its accelerators almost fully, an idle
one holds their memory. Reservations are exact.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from embedded_aws.cloudwatch.monitoring import Metric
from embedded_aws.sagemaker.state import Component, Endpoint, Hosting
from embedded_aws.service import Surroundings
from replicas.names import Dimension, MetricName, MetricNamespace
from replicas.rules.hosting import host_types

_UTILISATION_EVERY = 60.0
"""In AWS's seconds: the frequency without MetricsConfig."""
_BUSY_GPU = 98.0
_GPU_MEMORY = 90.0
"""Engines take their share of the card when they start."""
_IDLE_CPU, _BUSY_CPU = 3.0, 15.0
_MEMORY = 45.0
_DISK = 20.0


class Telemetry:
    """The metrics of a region's hosting."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._metrics = surroundings.monitoring.metrics
        self._clock = surroundings.clock
        self._lock = threading.Lock()
        self._outstanding: Counter[str] = Counter()
        self._copies: dict[str, int] = {}
        self._gauges: set[Metric] = set()
        self._next_utilisation = 0.0

    # ---- requests

    def no_capacity(self, component: str) -> None:
        """A request found no copy."""
        self._metrics.add(_of_component(MetricName.NO_CAPACITY, component), 1, unit="Count")

    def arrived(self, endpoint: str, variant: str, component: str, serving: str) -> Visit:
        """A request goes to a copy.

        Args:
            endpoint: its name.
            variant: of the endpoint.
            component: that was asked for.
            serving: whose copies answer: of an adapter its base. Their load is published as the base's too.

        """
        loaded = {component, serving}
        with self._lock:
            copies = max(1, self._copies.get(serving, 1))
            self._outstanding.update(loaded)
            for name in loaded:
                self._show_load(name, copies)
        for name in loaded:
            self._metrics.add(_of_component(MetricName.INVOCATIONS_PER_COPY, name), 1 / copies)
        return Visit(self, endpoint, variant, component, serving, time.perf_counter())

    def left(self, visit: Visit) -> None:
        """A request is over."""
        with self._lock:
            copies = max(1, self._copies.get(visit.serving, 1))
            for name in {visit.component, visit.serving}:
                self._outstanding[name] -= 1
                if self._outstanding[name] <= 0:
                    del self._outstanding[name]
                self._show_load(name, copies)

    def count(self, visit: Visit, status: int, *, by_model: bool, model_seconds: float | None, seconds: float) -> None:
        """Publish what became of a request, of its component and of its variant."""
        failed = status >= 400
        told = [
            (MetricName.INVOCATIONS, 1.0, "None"),
            (MetricName.CLIENT_ERRORS, float(400 <= status < 500), "None"),
            (MetricName.SERVER_ERRORS, float(status >= 500), "None"),
            (MetricName.MODEL_ERRORS, float(failed and by_model), "None"),
        ]
        if model_seconds is not None:
            told.append((MetricName.MODEL_LATENCY, 1e6 * model_seconds, "Microseconds"))
            told.append((MetricName.OVERHEAD_LATENCY, 1e6 * max(0.0, seconds - model_seconds), "Microseconds"))
        for name, value, unit in told:
            self._metrics.add(_of_component(name, visit.component), value, unit=unit)
            self._metrics.add(
                _of_variant(MetricNamespace.SERVICE, name, visit.endpoint, visit.variant), value, unit=unit
            )

    # ---- gauges

    def observe(self, hosting: Hosting) -> None:
        """Publish what has changed; utilisation once in a while."""
        copies = {one.name: len(_serving(hosting, one).running) for one in hosting.components.values()}
        with self._lock:
            changed = [
                name for name in copies.keys() | self._copies.keys() if copies.get(name) != self._copies.get(name)
            ]
            self._copies = copies
            for name in changed:
                self._show_load(name, copies.get(name, 0))
        now = self._clock.time()
        if now >= self._next_utilisation:
            self._next_utilisation = now + self._clock.here(_UTILISATION_EVERY)
            self._show_utilisation(hosting)

    def _show_load(self, component: str, copies: int) -> None:
        load = self._outstanding[component] / copies if copies else None
        self._metrics.hold(_of_component(MetricName.CONCURRENT_REQUESTS_PER_COPY, component), load)

    def _show_utilisation(self, hosting: Hosting) -> None:
        shown: dict[Metric, float] = {}
        for component in hosting.components.values():
            if component.base is None and component.running:
                shown.update(_of_copies(component, self._busy(component)))
        for endpoint in hosting.endpoints.values():
            shown.update(self._of_instances(endpoint, hosting))
        for metric in self._gauges - shown.keys():
            self._metrics.hold(metric, None)
        for metric, value in shown.items():
            self._metrics.hold(metric, round(value, 2), unit="Percent")
        self._gauges = set(shown)

    def _busy(self, component: Component) -> float:
        """The part of its copies that answer something."""
        return min(1.0, self._outstanding[component.name] / len(component.running)) if component.running else 0.0

    def _of_instances(self, endpoint: Endpoint, hosting: Hosting) -> Iterator[tuple[Metric, float]]:
        now = self._clock.time()
        up = {
            machine.id: host_types()[machine.instance_type] for machine in endpoint.machines if machine.ready_at <= now
        }
        if not up or endpoint.status not in ("InService", "Updating"):
            return
        accelerators = sum(instance.claimable.accelerators for instance in up.values())
        vcpus = sum(instance.vcpus for instance in up.values())
        memory = sum(instance.memory_mib for instance in up.values())
        taken: dict[str, float] = defaultdict(float)
        used: dict[str, float] = defaultdict(float)
        for component in hosting.components_of(endpoint):
            busy = self._busy(component)
            for copy in component.copies:
                need = copy.specification.need
                taken["GPU"] += need.accelerators
                taken["CPU"] += float(need.cpus)
                taken["Memory"] += need.memory_mib
                if copy.running:
                    used["GPU"] += need.accelerators * _BUSY_GPU * busy
                    used["GPUMemory"] += need.accelerators * _GPU_MEMORY
                    used["CPU"] += float(need.cpus) * _cpu(busy)
                    used["Memory"] += need.memory_mib * _MEMORY
        told = {
            MetricName.CPU_RESERVATION: 100 * taken["CPU"] / vcpus,
            MetricName.GPU_RESERVATION: 100 * taken["GPU"] / accelerators,
            MetricName.MEMORY_RESERVATION: 100 * taken["Memory"] / memory,
            "CPUUtilization": used["CPU"] / len(up),
            MetricName.CPU_UTILIZATION: used["CPU"] / vcpus,
            "GPUUtilization": used["GPU"] / len(up),
            MetricName.GPU_UTILIZATION: used["GPU"] / accelerators,
            "GPUMemoryUtilization": used["GPUMemory"] / len(up),
            MetricName.GPU_MEMORY_UTILIZATION: used["GPUMemory"] / accelerators,
            "MemoryUtilization": used["Memory"] / memory,
            MetricName.MEMORY_UTILIZATION: used["Memory"] / memory,
            MetricName.DISK_UTILIZATION: _DISK,
        }
        for name, value in told.items():
            yield _of_variant(MetricNamespace.ENDPOINTS, name, endpoint.name, endpoint.variant_name), value


@dataclass
class Visit:
    """A request that is with a copy."""

    telemetry: Telemetry
    endpoint: str
    variant: str
    component: str
    serving: str
    began: float
    handed_over: float | None = None
    """When its container got it."""

    def hand_over(self) -> None:
        """The container has it from now on."""
        self.handed_over = time.perf_counter()

    def end(self, status: int, *, by_model: bool = True) -> None:
        """It is answered with a status: by the container, or by the service itself."""
        now = time.perf_counter()
        model_seconds = None if self.handed_over is None else now - self.handed_over
        self.telemetry.left(self)
        self.telemetry.count(self, status, by_model=by_model, model_seconds=model_seconds, seconds=now - self.began)


def _of_copies(component: Component, busy: float) -> Iterator[tuple[Metric, float]]:
    """Utilisation over what the copies reserve."""
    told = {MetricName.CPU_UTILIZATION: _cpu(busy), MetricName.MEMORY_UTILIZATION: _MEMORY}
    if component.running[0].specification.need.accelerators:
        told |= {MetricName.GPU_UTILIZATION: _BUSY_GPU * busy, MetricName.GPU_MEMORY_UTILIZATION: _GPU_MEMORY}
    for name, value in told.items():
        yield Metric.of(MetricNamespace.COMPONENTS, name, {Dimension.COMPONENT: component.name}), value


def _cpu(busy: float) -> float:
    return _IDLE_CPU + (_BUSY_CPU - _IDLE_CPU) * busy


def _serving(hosting: Hosting, component: Component) -> Component:
    return component if component.base is None else hosting.components[component.base]


def _of_component(name: str, component: str) -> Metric:
    return Metric.of(MetricNamespace.SERVICE, name, {Dimension.COMPONENT: component})


def _of_variant(namespace: str, name: str, endpoint: str, variant: str) -> Metric:
    return Metric.of(namespace, name, {Dimension.ENDPOINT: endpoint, Dimension.VARIANT: variant})
