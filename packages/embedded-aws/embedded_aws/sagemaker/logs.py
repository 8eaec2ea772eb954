"""Log lines of the copies' containers, written to the log group of their inference component as on AWS."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.sagemaker.state import Component, Copy
from embedded_aws.service import Surroundings
from replicas.names import LogGroup


class Logs:
    """Buffers log lines until `flush` writes them to CloudWatch Logs. The state's lock must not be held during
    `flush`.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._lines: list[tuple[str, str, int, str]] = []
        self._lock = threading.Lock()

    def add(self, component: Component, copy: Copy, line: str) -> None:
        """Buffer a log line of a copy's container."""
        stream = f"{component.variant_name}/{copy.machine_id}-{copy.id}"
        moment = int(self._surroundings.clock.time() * 1000)
        with self._lock:
            self._lines.append((LogGroup.of_component(component.name), stream, moment, line))

    def flush(self, is_there: Callable[[str], bool]) -> None:
        """Write the buffered lines. If CloudWatch Logs refuses them, they are dropped, and serving continues.

        Args:
            is_there: returns whether a component exists; lines of a deleted component would recreate its log group.

        """
        with self._lock:
            lines, self._lines = self._lines, []
        if not lines:
            return
        streams: dict[tuple[str, str], list[dict[str, object]]] = defaultdict(list)
        for group, stream, moment, line in lines:
            streams[group, stream].append({"timestamp": moment, "message": line})
        client = self._surroundings.client("logs")
        try:
            for (group, stream), events in streams.items():
                if not is_there(group.removeprefix(LogGroup.COMPONENTS)):
                    continue
                _create(client.create_log_group, logGroupName=group)
                _create(client.create_log_stream, logGroupName=group, logStreamName=stream)
                client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
        except (BotoCoreError, ClientError):
            pass


def _create(operation: object, **arguments: str) -> None:
    assert callable(operation)  # noqa: S101 (a method of a client)
    try:
        operation(**arguments)
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ResourceAlreadyExistsException":
            raise
