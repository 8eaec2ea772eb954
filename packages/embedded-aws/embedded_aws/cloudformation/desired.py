"""Evaluates the desired properties of a template's resources, and adds the stack's tags."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.evaluation import Evaluation, Lookup, StackWorld
from embedded_aws.cloudformation.handlers import HANDLERS
from embedded_aws.cloudformation.parameters import HIDDEN
from embedded_aws.cloudformation.schemas import Schema, schema_of
from embedded_aws.cloudformation.state import DesiredState, Resource, Stack
from embedded_aws.evidence import ASSUMED, quoted
from embedded_aws.service import ACCOUNT
from replicas.template.validation import coerced


def evaluation_of(
    desired: DesiredState, stack: Stack, region: str, *, lookup: Lookup, imported: Callable[[str], str]
) -> Evaluation:
    """Return the object that evaluates a template with a stack's parameters and pseudo parameters."""
    pseudo = {
        "AWS::AccountId": ACCOUNT,
        "AWS::NotificationARNs": desired.options.get("NotificationARNs", []),
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": stack.id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com",
    }
    parameters = {name: parameter.value for name, parameter in desired.parameters.items()}
    return Evaluation(desired.template, parameters, StackWorld(pseudo, lookup=lookup, imported=imported))


def value_of(resources: Mapping[str, Resource], logical_id: str, attribute: str | None) -> Any:
    """Return an attribute of a provisioned resource; without `attribute`, its Ref."""
    resource = resources.get(logical_id)
    if resource is None or not resource.live or not resource.physical_id:
        raise invalid(
            f"Template format error: Unresolved resource dependencies [{logical_id}] in the Resources block of the "
            "template",
            quoted("serverless/serverless, issue 4745"),
        )
    if attribute is None:
        return resource.physical_id
    if attribute not in resource.attributes:
        raise invalid(f"Attribute '{attribute}' of resource {logical_id} has no value", ASSUMED)
    return resource.attributes[attribute]


def properties_of(
    logical_id: str,
    definition: Mapping[str, Any],
    evaluation: Evaluation,
    desired: DesiredState,
    stack: Stack,
    region: str,
) -> dict[str, Any]:
    """Return the evaluated properties of a resource; its own tags take precedence over the stack's."""
    kind = str(definition["Type"])
    schema, handler = schema_of(kind, region), HANDLERS[kind]
    properties = coerced(evaluation.value(definition.get("Properties", {})), schema.content)
    takes_tags = schema.tag_property and (handler.provisions is None or schema.tag_property in handler.provisions)
    if not takes_tags:
        return properties
    tags = dict(desired.tags)
    if handler.system_tags:
        tags |= {
            "aws:cloudformation:stack-name": stack.name,
            "aws:cloudformation:stack-id": stack.id,
            "aws:cloudformation:logical-id": logical_id,
        }
    return _tagged(properties, schema, tags)


def _tagged(properties: dict[str, Any], schema: Schema, tags: Mapping[str, str]) -> dict[str, Any]:
    key = str(schema.tag_property)
    if not tags:
        return properties
    if schema.takes_tags_as_map():
        return {**properties, key: {**tags, **properties.get(key, {})}}
    own_tags = properties.get(key, [])
    named = {tag.get("Key") for tag in own_tags if isinstance(tag, Mapping)}
    return {
        **properties,
        key: [*own_tags, *({"Key": name, "Value": value} for name, value in tags.items() if name not in named)],
    }


def shown(value: Any, *desired: DesiredState) -> str:
    """Return a value as JSON, with the values of NoEcho parameters masked."""
    text = json.dumps(value, separators=(",", ":"), default=lambda _: "{{changeSet:KNOWN_AFTER_APPLY}}")
    parameters = [
        parameter for deployment in desired for parameter in deployment.parameters.values() if parameter.hidden
    ]
    for parameter in parameters:
        for hidden in (parameter.given, parameter.resolved):
            if hidden:
                text = text.replace(json.dumps(hidden)[1:-1], HIDDEN)
    return text
