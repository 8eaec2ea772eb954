"""`EndpointAlarms`: the CloudWatch alarms of all components of an endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Unpack

from constructs import IConstruct

if TYPE_CHECKING:
    from aws_cdk import aws_cloudwatch as cloudwatch

    from replicas_cdk.component_alarms import AlarmChanges, ComponentAlarms


class EndpointAlarms(Mapping[str, "ComponentAlarms"]):
    """Alarms of each component, by the name of the component in the plan. Its methods change all alarms at once."""

    def __init__(self, endpoint: IConstruct) -> None:
        """Create an empty mapping. The endpoint is named in error messages."""
        self._endpoint = endpoint
        self._by_component: dict[str, ComponentAlarms] = {}

    def add(self, component: str, alarms: ComponentAlarms) -> None:
        """Add the alarms of a component."""
        self._by_component[component] = alarms

    def __getitem__(self, component: str) -> ComponentAlarms:
        return self._by_component[component]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_component)

    def __len__(self) -> int:
        return len(self._by_component)

    def override(self, **changes: Unpack[AlarmChanges]) -> None:
        """Change the alarms of all components, as `ComponentAlarms.override` does."""
        for alarms in self._existing():
            alarms.override(**changes)

    def add_alarm_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Add actions for the ALARM state of all alarms. Existing actions stay."""
        for alarms in self._existing():
            alarms.add_alarm_action(*actions)

    def add_ok_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Add actions for the OK state of all alarms. Existing actions stay."""
        for alarms in self._existing():
            alarms.add_ok_action(*actions)

    def add_insufficient_data_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Add actions for the INSUFFICIENT_DATA state of all alarms. Existing actions stay."""
        for alarms in self._existing():
            alarms.add_insufficient_data_action(*actions)

    def _existing(self) -> list[ComponentAlarms]:
        if not self._by_component:
            raise ValueError(
                f"{self._endpoint.node.path}: its components have no alarms: set "
                "monitoring=Monitoring(alarms=Alarms()) in the Deployment"
            )
        return list(self._by_component.values())
