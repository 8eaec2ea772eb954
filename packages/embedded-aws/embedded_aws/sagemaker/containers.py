"""Containers of copies for serving engines that have a health check, such as engines that run processes."""

from __future__ import annotations

from functools import partial

from embedded_aws.sagemaker import durations
from embedded_aws.sagemaker.passing import Log
from embedded_aws.sagemaker.state import Component, Copy, Hosting
from embedded_aws.serving.engine import Health, HealthChecked, ServingEngine


class Containers:
    """Starts and stops containers together with their copies; does nothing for an engine without health check."""

    def __init__(self, engine: ServingEngine, log: Log) -> None:
        self._engine = engine if isinstance(engine, HealthChecked) else None
        self._log = log
        self._started: set[str] = set()

    def health(self, component: Component, copy: Copy) -> Health:
        """Return the health of a copy; `ready` if the engine has no health check. The first call starts the container.

        The start-up timeout counts in real time, because the start of a process cannot be accelerated.
        """
        if self._engine is None:
            return "ready"
        self._started.add(copy.id)
        timeout = copy.specification.startup_timeout_seconds or durations.DEFAULT_STARTUP_TIMEOUT
        log = partial(self._log, component, copy)
        return self._engine.health(copy.id, copy.specification.environment, timeout, log)

    def keep(self, hosting: Hosting) -> None:
        """Stop the containers of copies that no longer exist."""
        if self._engine is None or not self._started:
            return
        here = {copy.id for component in hosting.components.values() for copy in component.copies}
        for gone in self._started - here:
            self._engine.stop(gone)
        self._started &= here
