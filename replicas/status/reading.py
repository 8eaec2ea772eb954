"""Reads the status of a deployment in one call, with an optional short request to each component."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from replicas.aws.deployed import find_deployed
from replicas.aws.session import Aws
from replicas.start.records import StartRecord
from replicas.status.probe import probe
from replicas.status.reader import ask_aws
from replicas.status.starts import measure_starts
from replicas.status.status import Status, Unmeasured, with_probes


def read_status(
    name: str | None = None,
    *,
    endpoint: str | None = None,
    region: str | None = None,
    aws: Aws | None = None,
    probe_seconds: float | None = None,
    tell: Callable[[str], None] = lambda _line: None,
) -> Status:
    """Read the status of a deployment from AWS.

    Args:
        name: name of a stack. `endpoint` names an endpoint instead.
        endpoint: name of an endpoint.
        region: AWS region. Default: the region that the CDK CLI would use.
        aws: existing session to use; `region` is then ignored.
        probe_seconds: send a short request to every component and adapter, and wait up to this long for answers.
            Components with zero copies get no request. The starts of the components are then measured, too. None: no
            requests and no measurement.
        tell: called with each line of progress.

    Raises:
        OperationError: the stack or endpoint does not exist.

    """
    aws = aws or Aws(region)
    status = ask_aws(aws, name, endpoint)
    if probe_seconds is None or not status.endpoint_status:
        return status
    asleep = {component.name for component in status.components if component.is_asleep}
    deployed = find_deployed(aws, name, endpoint)
    probed = with_probes(status, probe(aws, deployed, asleep=asleep, wait_seconds=probe_seconds, tell=tell))
    measured = measure_starts(aws, deployed)
    return replace(
        probed,
        starts=tuple(start for start in measured if isinstance(start, StartRecord)),
        unmeasured=tuple(start for start in measured if isinstance(start, Unmeasured)),
    )
