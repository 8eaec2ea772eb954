"""Type of the JSON document of `replicas status`."""

from __future__ import annotations

from typing import Literal

from typing_extensions import TypedDict

from replicas.start.document import StartRecordDocument
from replicas.status.status import ComponentStatus, Difference, Instances, Probe, StackStatus, Unmeasured


class StatusDocument(TypedDict):
    """The status of a deployment at one moment."""

    schema: Literal["replicas.status/1"]
    name: str
    region: str
    stack: StackStatus | None
    endpoint_name: str | None
    endpoint_status: str | None
    endpoint_failure: str | None
    instances: list[Instances]
    components: list[ComponentStatus]
    drift: list[Difference]
    probes: list[Probe]
    starts: list[StartRecordDocument]
    """Measured starts of the components (`--probe`)."""
    unmeasured: list[Unmeasured]
    """Components whose start could not be measured (`--probe`)."""
    problems: list[str]
    """Problems, as sentences with the next step."""
    usd_per_hour: float | None
    """Indicative price of all running instances; null if a price is not known."""
    is_under_way: bool
    is_healthy: bool
