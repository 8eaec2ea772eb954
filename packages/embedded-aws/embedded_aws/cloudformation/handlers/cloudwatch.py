"""Handlers for CloudWatch: alarms and dashboards."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

from typing import ClassVar

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    Made,
    Properties,
    Work,
    name_from_stack,
    only,
    quietly,
    tag_changes,
)
from replicas.names import ResourceType


class Alarm(Handler):
    """A CloudWatch metric alarm."""

    type = ResourceType.ALARM
    system_tags = True
    name_property = "AlarmName"
    attributes = ("Arn",)

    def create(self, work: Work, desired: Properties) -> Made:
        name = desired.get("AlarmName") or name_from_stack(work, 255)
        work.client("cloudwatch").put_metric_alarm(**{**desired, "AlarmName": name})
        return self._made(work, name)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        made, client = self._made(work, physical_id), work.client("cloudwatch")
        settings = {key: value for key, value in desired.items() if key != "Tags"}
        client.put_metric_alarm(**{**settings, "AlarmName": physical_id})
        put, drop = tag_changes(previous, desired)
        if put:
            client.tag_resource(ResourceARN=made.attributes["Arn"], Tags=put)
        if drop:
            client.untag_resource(ResourceARN=made.attributes["Arn"], TagKeys=drop)
        return made

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("cloudwatch").delete_alarms, AlarmNames=[physical_id])

    def _made(self, work: Work, name: str) -> Made:
        return Made(name, {"Arn": f"arn:aws:cloudwatch:{work.region}:{work.account}:alarm:{name}"})


class Dashboard(Handler):
    """A CloudWatch dashboard."""

    type = ResourceType.DASHBOARD
    name_property = "DashboardName"
    provisions: ClassVar[frozenset[str] | None] = frozenset({"DashboardName", "DashboardBody", "Tags"})

    def create(self, work: Work, desired: Properties) -> Made:
        name = desired.get("DashboardName") or name_from_stack(work, 255)
        work.client("cloudwatch").put_dashboard(DashboardName=name, **only(desired, "DashboardBody"))
        return Made(name)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        work.client("cloudwatch").put_dashboard(DashboardName=physical_id, **only(desired, "DashboardBody"))
        return Made(physical_id)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("cloudwatch").delete_dashboards, "does not exist", DashboardNames=[physical_id])


HANDLERS: tuple[Handler, ...] = (Alarm(), Dashboard())
