"""Handler for Systems Manager parameters."""

# ruff: noqa: ARG002, D102 (Handler documents the methods)

from __future__ import annotations

from typing import Any, ClassVar

from embedded_aws.cloudformation.handlers.handler import (
    Handler,
    Made,
    Properties,
    Work,
    name_from_logical_id,
    only,
    quietly,
)


class Parameter(Handler):
    """A Systems Manager parameter."""

    type = "AWS::SSM::Parameter"
    system_tags = True
    attributes = ("Type", "Value", "Arn")
    name_property = "Name"
    provisions: ClassVar[frozenset[str] | None] = frozenset(
        {"Name", "Type", "Value", "Description", "AllowedPattern", "Tier", "DataType", "Tags"}
    )
    _settings: ClassVar[tuple[str, ...]] = ("Type", "Value", "Description", "AllowedPattern", "Tier", "DataType")

    def create(self, work: Work, desired: Properties) -> Made:
        name = desired.get("Name") or f"CFN-{name_from_logical_id(work, 100)}"
        tags = _tag_list(desired)
        work.client("ssm").put_parameter(
            Name=name, **only(desired, *self._settings), **({"Tags": tags} if tags else {})
        )
        return self._made(work, name, desired)

    def update(self, work: Work, physical_id: str, previous: Properties, desired: Properties) -> Made:
        client = work.client("ssm")
        client.put_parameter(Name=physical_id, Overwrite=True, **only(desired, *self._settings))
        if _tag_list(desired):
            client.add_tags_to_resource(ResourceType="Parameter", ResourceId=physical_id, Tags=_tag_list(desired))
        dropped = sorted(set(previous.get("Tags", {})) - set(desired.get("Tags", {})))
        if dropped:
            client.remove_tags_from_resource(ResourceType="Parameter", ResourceId=physical_id, TagKeys=dropped)
        return self._made(work, physical_id, desired)

    def delete(self, work: Work, physical_id: str, properties: Properties) -> None:
        quietly(work.client("ssm").delete_parameter, Name=physical_id)

    def _made(self, work: Work, name: str, desired: Properties) -> Made:
        arn = f"arn:aws:ssm:{work.region}:{work.account}:parameter/{name.lstrip('/')}"
        return Made(name, {"Arn": arn, **only(desired, "Type", "Value")})


def _tag_list(properties: Properties) -> list[dict[str, Any]]:
    """Return the tags as Key and Value pairs; the schema has them as one JSON object."""
    return [{"Key": key, "Value": value} for key, value in properties.get("Tags", {}).items()]


HANDLERS: tuple[Handler, ...] = (Parameter(),)
