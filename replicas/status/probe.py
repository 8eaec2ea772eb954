"""Probes a deployment: sends one short request to each component and adapter.

A component can be InService before it can serve. This holds especially for an adapter, whose weights are loaded later.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

from replicas.aws.deployed import Deployed, DeployedComponent
from replicas.aws.invocation import Invoker
from replicas.aws.session import Aws, explain
from replicas.aws.target import Target, find_target
from replicas.aws.waiting import NotYet, Pauses, until_ready
from replicas.engines import Generation
from replicas.errors import OperationError
from replicas.status.status import Probe

_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 10.0
_SHORT = Generation(max_new_tokens=1)

Tell = Callable[[str], None]


def probe(
    aws: Aws, deployed: Deployed, *, asleep: Collection[str], wait_seconds: float, tell: Tell
) -> tuple[Probe, ...]:
    """Send a request to each component until it answers or time is up, then to the adapters of components that
    answered.

    Args:
        aws: account and region.
        deployed: the endpoint with its components and adapters.
        asleep: names of components scaled to zero copies. They and their adapters get no request, because a request
            would start billed instances.
        wait_seconds: longest total wait.
        tell: called with each line of progress.

    """
    prober = _Prober(aws, deployed, frozenset(asleep), time.monotonic() + wait_seconds, tell)
    with ThreadPoolExecutor(max_workers=8) as pool:
        components = list(pool.map(prober.ask, deployed.components))
        prober.silent = {
            component.name
            for component, result in zip(deployed.components, components, strict=True)
            if not (result.answered or result.asleep)
        }
        return (*components, *pool.map(prober.ask, deployed.adapters))


class _Prober:
    def __init__(self, aws: Aws, deployed: Deployed, asleep: frozenset[str], deadline: float, tell: Tell) -> None:
        self._aws, self._deployed, self._asleep = aws, deployed, asleep
        self._deadline, self._tell = deadline, tell
        self._runtime = aws.runtime(connections=8)
        self.silent: set[str] = set()
        """Names of components that did not answer."""

    def ask(self, component: DeployedComponent) -> Probe:
        """Send a short request to one component and return the result."""
        began = time.monotonic()
        try:
            target = find_target(self._aws, self._deployed, component)
            if target.serving_name in self._asleep:
                return Probe(
                    component.label, False, 0.0, "it has zero copies, and a request would start one", asleep=True
                )
            if target.base_name in self.silent:
                raise OperationError("its base component does not answer")
            self._until_it_answers(target, component.label)
        except (ClientError, BotoCoreError) as fault:
            return Probe(component.label, False, time.monotonic() - began, str(explain(fault)))
        except OperationError as error:
            return Probe(component.label, False, time.monotonic() - began, str(error))
        return Probe(component.label, True, time.monotonic() - began, None)

    def _until_it_answers(self, target: Target, label: str) -> None:
        invoker = Invoker(self._aws, self._runtime, target)
        body = target.dialect.text_body("Hello", target.task, _SHORT)

        def send() -> None:
            try:
                target.dialect.read_tokens(invoker.whole(body), target.task)
            except OperationError as error:
                if target.base_name is None:
                    raise
                raise NotYet(str(error)) from None  # the engine rejects an adapter until its weights are loaded
            except ValueError as fault:
                raise OperationError(str(fault)) from None

        def report(reason: NotYet, _: float) -> None:
            self._tell(f"{label}: {reason}: waiting, {self._deadline - time.monotonic():.0f} s left")

        try:
            until_ready(
                send,
                seconds=max(0.0, self._deadline - time.monotonic()),
                pauses=Pauses(_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS),
                waiting=report,
            )
        except NotYet as reason:
            raise OperationError(f"{reason}; wait longer with --wait") from None
