"""Metrics that SageMaker publishes to CloudWatch: samples for each request, gauges of copies and instances.

Utilisation is simulated, because the copies have no real accelerators: a copy that answers uses its accelerators almost
fully, and an idle copy only holds their memory. Reservations are exact.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from embedded_aws.cloudwatch.monitoring import Metric
from embedded_aws.sagemaker.state import Component, Endpoint, Hosting
from embedded_aws.service import Surroundings
from replicas.names import Dimension, MetricName, MetricNamespace
from replicas.rules.hosting import host_types

_UTILISATION_EVERY = 60.0
"""Publishing interval in AWS's seconds: the default without MetricsConfig."""
_BUSY_GPU = 98.0
_GPU_MEMORY = 90.0
"""Memory utilisation in percent. It is constant, because engines allocate accelerator memory when they start."""
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
        """Count a request that failed because no copy is running."""
        self._metrics.add(_of_component(MetricName.NO_CAPACITY, component), 1, unit="Count")

    def arrived(self, endpoint: str, variant: str, component: str, serving: str) -> Visit:
        """Record that a request goes to a copy, and return a `Visit` that measures it.

        Args:
            endpoint: name of the endpoint.
            variant: name of the endpoint's variant.
            component: component that the request names.
            serving: component whose copies answer: for an adapter, its base component. The load is published for both.

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
        """Record that a request has ended."""
        with self._lock:
            copies = max(1, self._copies.get(visit.serving, 1))
            for name in {visit.component, visit.serving}:
                self._outstanding[name] -= 1
                if self._outstanding[name] <= 0:
                    del self._outstanding[name]
                self._show_load(name, copies)

    def count(self, visit: Visit, status: int, *, by_model: bool, model_seconds: float | None, seconds: float) -> None:
        """Publish the outcome of a request, for its component and for its variant."""
        failed = status >= 400
        samples = [
            (MetricName.INVOCATIONS, 1.0, "None"),
            (MetricName.CLIENT_ERRORS, float(400 <= status < 500), "None"),
            (MetricName.SERVER_ERRORS, float(status >= 500), "None"),
            (MetricName.MODEL_ERRORS, float(failed and by_model), "None"),
        ]
        if model_seconds is not None:
            samples.append((MetricName.MODEL_LATENCY, 1e6 * model_seconds, "Microseconds"))
            samples.append((MetricName.OVERHEAD_LATENCY, 1e6 * max(0.0, seconds - model_seconds), "Microseconds"))
        for name, value, unit in samples:
            self._metrics.add(_of_component(name, visit.component), value, unit=unit)
            self._metrics.add(
                _of_variant(MetricNamespace.SERVICE, name, visit.endpoint, visit.variant), value, unit=unit
            )

    # ---- gauges

    def observe(self, hosting: Hosting) -> None:
        """Publish the gauges that have changed, and the utilisation once per interval."""
        copies = {
            component.name: len(_serving(hosting, component).running) for component in hosting.components.values()
        }
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
        """Return the share of the component's copies that are answering a request, from 0 to 1."""
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
        reserved: dict[str, float] = defaultdict(float)
        used: dict[str, float] = defaultdict(float)
        for component in hosting.components_of(endpoint):
            busy = self._busy(component)
            for copy in component.copies:
                need = copy.specification.need
                reserved["GPU"] += need.accelerators
                reserved["CPU"] += float(need.cpus)
                reserved["Memory"] += need.memory_mib
                if copy.running:
                    used["GPU"] += need.accelerators * _BUSY_GPU * busy
                    used["GPUMemory"] += need.accelerators * _GPU_MEMORY
                    used["CPU"] += float(need.cpus) * _cpu(busy)
                    used["Memory"] += need.memory_mib * _MEMORY
        values = {
            MetricName.CPU_RESERVATION: 100 * reserved["CPU"] / vcpus,
            MetricName.GPU_RESERVATION: 100 * reserved["GPU"] / accelerators,
            MetricName.MEMORY_RESERVATION: 100 * reserved["Memory"] / memory,
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
        for name, value in values.items():
            yield _of_variant(MetricNamespace.ENDPOINTS, name, endpoint.name, endpoint.variant_name), value


@dataclass
class Visit:
    """A request that a copy is answering."""

    telemetry: Telemetry
    endpoint: str
    variant: str
    component: str
    serving: str
    began: float
    handed_over: float | None = None
    """Time at which the container received the request; None until then."""

    def hand_over(self) -> None:
        """Record that the container has received the request."""
        self.handed_over = time.perf_counter()

    def end(self, status: int, *, by_model: bool = True) -> None:
        """Record the response status. `by_model` is False if the service itself answered, not the container."""
        now = time.perf_counter()
        model_seconds = None if self.handed_over is None else now - self.handed_over
        self.telemetry.left(self)
        self.telemetry.count(self, status, by_model=by_model, model_seconds=model_seconds, seconds=now - self.began)


def _of_copies(component: Component, busy: float) -> Iterator[tuple[Metric, float]]:
    """Yield the utilisation of the resources that the copies reserve."""
    values = {MetricName.CPU_UTILIZATION: _cpu(busy), MetricName.MEMORY_UTILIZATION: _MEMORY}
    if component.running[0].specification.need.accelerators:
        values |= {MetricName.GPU_UTILIZATION: _BUSY_GPU * busy, MetricName.GPU_MEMORY_UTILIZATION: _GPU_MEMORY}
    for name, value in values.items():
        yield _of_component(name, component.name, MetricNamespace.COMPONENTS), value


def _cpu(busy: float) -> float:
    return _IDLE_CPU + (_BUSY_CPU - _IDLE_CPU) * busy


def _serving(hosting: Hosting, component: Component) -> Component:
    return component if component.base is None else hosting.components[component.base]


@lru_cache(maxsize=4096)
def _of_component(name: str, component: str, namespace: str = MetricNamespace.SERVICE) -> Metric:
    return Metric.of(namespace, name, {Dimension.COMPONENT: component})


@lru_cache(maxsize=4096)
def _of_variant(namespace: str, name: str, endpoint: str, variant: str) -> Metric:
    return Metric.of(namespace, name, {Dimension.ENDPOINT: endpoint, Dimension.VARIANT: variant})
