"""`EndpointAlarms`: the alarms of all components of an endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Unpack

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import IConstruct

from replicas_cdk.component_alarms import AlarmChanges, ComponentAlarms


class EndpointAlarms(Mapping[str, ComponentAlarms]):
    """The alarms of each component, by its name in the plan; what is changed here is changed for all of them."""

    def __init__(self, endpoint: IConstruct) -> None:
        """Start without alarms. Messages name the path of the endpoint."""
        self._endpoint = endpoint
        self._by_component: dict[str, ComponentAlarms] = {}

    def add(self, component: str, alarms: ComponentAlarms) -> None:
        """Take up the alarms of a component."""
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
        """Do this when an alarm of a component goes off, in addition to what it does already."""
        for alarms in self._existing():
            alarms.add_alarm_action(*actions)

    def add_ok_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Do this when an alarm of a component is over, in addition to what it does already."""
        for alarms in self._existing():
            alarms.add_ok_action(*actions)

    def add_insufficient_data_action(self, *actions: cloudwatch.IAlarmAction) -> None:
        """Do this when an alarm of a component has no data, in addition to what it does already."""
        for alarms in self._existing():
            alarms.add_insufficient_data_action(*actions)

    def _existing(self) -> list[ComponentAlarms]:
        if not self._by_component:
            raise ValueError(
                f"{self._endpoint.node.path}: its components have no alarms: monitoring=Monitoring(alarms=Alarms()) of "
                "the Deployment"
            )
        return list(self._by_component.values())
