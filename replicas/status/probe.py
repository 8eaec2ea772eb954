"""One short request to everything of a deployment that takes requests: does it answer?

A component may be InService before it can serve; an adapter often is, because its weights are loaded after that.
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
    """Ask everything, until it answers or the time is over: components at once, then the adapters of those that answer.

    Args:
        aws: account and region.
        deployed: what to ask.
        asleep: names of components that are at zero copies because nobody asks: a request would wake them, and start
            what bills. Neither they nor their adapters are asked.
        wait_seconds: for all of them together, while something is not ready yet.
        tell: what is waited for, a line at a time.

    """
    prober = _Prober(aws, deployed, frozenset(asleep), time.monotonic() + wait_seconds, tell)
    with ThreadPoolExecutor(max_workers=8) as pool:
        components = list(pool.map(prober.ask, deployed.components))
        prober.silent = {
            part.name
            for part, found in zip(deployed.components, components, strict=True)
            if not (found.answered or found.asleep)
        }
        return (*components, *pool.map(prober.ask, deployed.adapters))


class _Prober:
    def __init__(self, aws: Aws, deployed: Deployed, asleep: frozenset[str], deadline: float, tell: Tell) -> None:
        self._aws, self._deployed, self._asleep = aws, deployed, asleep
        self._deadline, self._tell = deadline, tell
        self._runtime = aws.runtime(connections=8)
        self.silent: set[str] = set()
        """Components that did not answer."""

    def ask(self, part: DeployedComponent) -> Probe:
        """One short request."""
        began = time.monotonic()
        try:
            target = find_target(self._aws, self._deployed, part)
            if target.serving_name in self._asleep:
                return Probe(part.label, False, 0.0, "it sleeps; a request would wake it", asleep=True)
            if target.base_name in self.silent:
                raise OperationError("its base does not answer")
            self._until_it_answers(target, part.label)
        except (ClientError, BotoCoreError) as fault:
            return Probe(part.label, False, time.monotonic() - began, str(explain(fault)))
        except OperationError as error:
            return Probe(part.label, False, time.monotonic() - began, str(error))
        return Probe(part.label, True, time.monotonic() - began, None)

    def _until_it_answers(self, target: Target, label: str) -> None:
        invoker = Invoker(self._aws, self._runtime, target)
        body = target.dialect.prompt_body("Hello", _SHORT, stream=False)

        def send() -> None:
            try:
                target.dialect.read_answer(invoker.whole(body))
            except OperationError as error:
                if target.base_name is None:
                    raise
                raise NotYet(str(error)) from None  # until its weights are loaded the engine does not know an adapter
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
            raise OperationError(f"{reason}; --wait allows more") from None
