"""The status of a deployment in one call, with or without a short request to each of its components."""

from __future__ import annotations

from collections.abc import Callable

from replicas.aws.deployed import find_deployed
from replicas.aws.session import Aws
from replicas.status.probe import probe
from replicas.status.reader import ask_aws
from replicas.status.status import Status, with_probes


def read_status(
    name: str | None = None,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    aws: Aws | None = None,
    probe_seconds: float | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Status:
    """Ask AWS for everything about a deployment.

    Args:
        name: name of a stack; `endpoint` names any endpoint instead.
        endpoint: name of an endpoint.
        region: AWS region; by default as boto3 finds it.
        aws: a session to use again, in place of one for `region`.
        probe_seconds: send a short request to every component and adapter, and wait so long for those that are not
            ready. Components at zero copies are not woken. None: no requests.
        tell: called with lines about what is waited for.

    Raises:
        OperationError: no such stack or endpoint.

    """
    aws = aws or Aws(region)
    status = ask_aws(aws, name, endpoint)
    if probe_seconds is None or not status.endpoint_status:
        return status
    asleep = {component.name for component in status.components if component.is_asleep}
    deployed = find_deployed(aws, name, endpoint)
    return with_probes(status, probe(aws, deployed, asleep=asleep, wait_seconds=probe_seconds, tell=tell))
