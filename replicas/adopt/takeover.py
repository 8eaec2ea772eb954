"""The template that imports a live endpoint under the app's logical ids, and the changes that the next deploy makes.

CloudFormation does not compare an import with the live resource, and an update compares templates only. So the imported
template contains the live values. If an expression of the app's template has the live value, the expression is used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from replicas.adopt.described import (
    configuration_properties,
    endpoint_properties,
    live_properties,
    model_properties,
)
from replicas.adopt.entry import Entry
from replicas.adopt.records import Json, LiveComponent, LiveEndpoint
from replicas.adopt.written import Difference, Pair, Writer
from replicas.errors import OperationError
from replicas.names import ResourceType
from replicas.review.effects import Effect, effects
from replicas.template.changes import ServingChange, serving_changes
from replicas.template.evaluation import Resolver

_IDENTIFIERS = {
    ResourceType.MODEL: "ModelArn",
    ResourceType.ENDPOINT_CONFIG: "EndpointConfigArn",
    ResourceType.ENDPOINT: "EndpointArn",
    ResourceType.COMPONENT: "InferenceComponentArn",
}
"""Primary identifiers of the CloudFormation schemas (cfn-lint 1.58.0). All of these types have a read handler."""

_COMPONENT_PATH = re.compile(r"/Component-(?P<component>[^/]+)/(?:Adapter-(?P<adapter>[^/]+)/)?Resource[^/]*$")


@dataclass(frozen=True, kw_only=True)
class Takeover:
    """The import of a live endpoint into the app's stack."""

    template: Mapping[str, Any]
    """Template with only the imported resources in their live state, each with a DeletionPolicy."""
    mapping: Mapping[str, Mapping[str, str]]
    """Identifier of each resource, by logical id: the file that `cdk import --resource-mapping` reads."""
    differences: tuple[Difference, ...]
    serving: tuple[ServingChange, ...]
    """Changes of endpoint and components by the first deployment, except updates in place."""
    effects: tuple[Effect, ...]
    """All effects of the first deployment, including updates in place."""


def takeover_of(app: Mapping[str, Any], live: LiveEndpoint, entry: Entry) -> Takeover:
    """Pair the resources of the app's template with the live resources, and describe each pair.

    Raises:
        OperationError: the template has no resource for a live component.

    """
    pairs = {pair.logical_id: pair for pair in _pairs(app, live, entry)}
    paired = {pair.arn for pair in pairs.values()}
    missing = [
        live_component.name
        for live_component in (*live.components, *live.adapters)
        if live_component.described["InferenceComponentArn"] not in paired
    ]
    if missing:
        raise OperationError(
            f"the template of the entry has no resource for {', '.join(missing)}: the construct paths in its "
            f"metadata identify them, so do not turn pathMetadata off in cdk.json"
        )
    scaled = {component.name for component in live.components if component.scaling is not None}
    names = {logical_id: pair.name for logical_id, pair in pairs.items()}
    resolver = Resolver(app, region=live.region, parameters={})
    writer = Writer(names)
    resources = {}
    for logical_id, definition in app["Resources"].items():
        if logical_id not in pairs:
            continue
        pair, given = pairs[logical_id], definition.get("Properties", {})
        skipped = ("RuntimeConfig",) if pair.name in scaled else ()
        evaluated = resolver.resolve(given)
        properties = writer.properties(pair, given, evaluated, skipped)
        resources[logical_id] = {
            **_kept(definition, pairs),
            "Properties": properties,
            "DeletionPolicy": "Retain",
        }
    template = {"Resources": resources}
    mapping = {
        logical_id: {_IDENTIFIERS[app["Resources"][logical_id]["Type"]]: pair.arn} for logical_id, pair in pairs.items()
    }
    after = _without_policies(app)
    return Takeover(
        template=template,
        mapping={logical_id: mapping[logical_id] for logical_id in resources},
        differences=tuple(writer.differences),
        serving=tuple(serving_changes(_without_policies(template), after)),
        effects=tuple(effects(_without_policies(template), after)),
    )


def _kept(definition: Mapping[str, Any], pairs: Mapping[str, Any]) -> dict[str, Any]:
    """Return type, metadata and dependencies of a definition, without dependencies on resources that are not
    imported.
    """
    copied = {key: definition[key] for key in ("Type", "Metadata") if key in definition}
    needs = [need for need in _listed(definition.get("DependsOn")) if need in pairs]
    return {**copied, **({"DependsOn": needs} if needs else {})}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _without_policies(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template without deletion policies. An import needs them, and the next deployment removes them."""
    resources = {
        key: {name: value for name, value in definition.items() if name != "DeletionPolicy"}
        for key, definition in template["Resources"].items()
    }
    return {**template, "Resources": resources}


def _pairs(app: Mapping[str, Any], live: LiveEndpoint, entry: Entry) -> Iterator[Pair]:
    components = {live_component.name: live_component for live_component in (*live.components, *live.adapters)}
    models: dict[str, str] = {}
    for logical_id, definition in app["Resources"].items():
        match definition.get("Type"):
            case ResourceType.ENDPOINT:
                arn = live.described["EndpointArn"]
                yield Pair(logical_id, live.name, arn, endpoint_properties(live.described), live.tags[arn])
            case ResourceType.ENDPOINT_CONFIG:
                arn, name = live.configuration["EndpointConfigArn"], live.configuration["EndpointConfigName"]
                yield Pair(logical_id, name, arn, configuration_properties(live.configuration), live.tags[arn])
            case ResourceType.COMPONENT:
                component = components.get(_live_name(definition, entry))
                if component is not None:
                    models |= _models(definition, component)
                    arn = component.described["InferenceComponentArn"]
                    yield Pair(logical_id, component.name, arn, live_properties(component), component.tags)
    described = {name: model for live_component in live.components for name, model in live_component.models.items()}
    taken: set[str] = set()
    for logical_id, name in models.items():
        if name not in taken:  # a live model is imported once, even if the app has a resource for each instance type
            taken.add(name)
            arn = described[name]["ModelArn"]
            yield Pair(logical_id, name, arn, model_properties(described[name]), live.tags[arn])


def _live_name(definition: Json, entry: Entry) -> str:
    """Return the name of the live component that corresponds to a component of the app's template."""
    path = _COMPONENT_PATH.search(str(definition.get("Metadata", {}).get("aws:cdk:path", "")))
    return entry.names.get(path["adapter"] or path["component"], "") if path else ""


def _models(definition: Json, component: LiveComponent) -> dict[str, str]:
    """Return the names of the live models of a component, by the logical id of the app's model."""
    properties = definition["Properties"]
    several = properties.get("Specifications") or [properties.get("Specification", {})]
    by_type = {specified.get("InstanceType"): specified for specified in component.specifications}
    models = {}
    for specification in several:
        given = specification.get("ModelName")
        live = by_type.get(specification.get("InstanceType"), component.specifications[0])
        if isinstance(given, Mapping) and "Fn::GetAtt" in given and "ModelName" in live:
            models[str(given["Fn::GetAtt"][0])] = str(live["ModelName"])
    return models
