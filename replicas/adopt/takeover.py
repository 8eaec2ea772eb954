"""The template that imports a live endpoint under the logical ids of the app, and what the app's template changes then.

CloudFormation does not compare an import with the live resource, and an update compares templates only. So the imported
template says what is live: where the app's template says the same its own expression is kept, elsewhere the live value.
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
from replicas.adopt.live import Json, LiveComponent, LiveEndpoint
from replicas.endpoint.values import Reference, Unknown, Value
from replicas.errors import OperationError
from replicas.names import ResourceType
from replicas.review.effects import Effect, effects
from replicas.status.drift import same
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
_ABSENT = object()


@dataclass(frozen=True)
class Difference:
    """A property in which the app's template differs from what is live."""

    logical_id: str
    path: str
    live: Any
    """None if the live resource does not have the property."""
    entry: Any
    """None if the app's template does not have the property."""


@dataclass(frozen=True, kw_only=True)
class Takeover:
    """The import of a live endpoint into the app's stack."""

    template: Mapping[str, Any]
    """The imported resources only, as they are live, each with a DeletionPolicy."""
    mapping: Mapping[str, Mapping[str, str]]
    """Identifier of each resource, by logical id: the file that `cdk import --resource-mapping` reads."""
    differences: tuple[Difference, ...]
    serving: tuple[ServingChange, ...]
    """What the first deploy of the entry does to endpoint and components, beside updates in place."""
    effects: tuple[Effect, ...]
    """What the first deploy of the entry does in place and beside it."""


@dataclass(frozen=True)
class _Pair:
    """A resource of the app's template and the live resource that it stands for."""

    logical_id: str
    name: str
    arn: str
    properties: Mapping[str, Any]
    tags: Mapping[str, str]


def takeover_of(app: Mapping[str, Any], live: LiveEndpoint, entry: Entry) -> Takeover:
    """Pair the resources of the app's template with the live ones, and describe those that are live.

    Raises:
        OperationError: a live component is none of the template's.

    """
    pairs = {pair.logical_id: pair for pair in _pairs(app, live, entry)}
    paired = {pair.arn for pair in pairs.values()}
    missing = [
        one.name for one in (*live.components, *live.adapters) if one.described["InferenceComponentArn"] not in paired
    ]
    if missing:
        raise OperationError(
            f"the template of the entry has no resource for {', '.join(missing)}: the paths of constructs in its "
            "metadata tell them apart, so leave pathMetadata out of cdk.json"
        )
    scaled = {component.name for component in live.components if component.scaling is not None}
    names = {logical_id: pair.name for logical_id, pair in pairs.items()}
    resolver = Resolver(app, region=live.region, parameters={})
    writer = _Writer(names, live.account)
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
    """Return type, metadata and dependencies of a definition, without dependencies on what is not imported."""
    kept = {key: definition[key] for key in ("Type", "Metadata") if key in definition}
    needs = [one for one in _listed(definition.get("DependsOn")) if one in pairs]
    return {**kept, **({"DependsOn": needs} if needs else {})}


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _without_policies(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return a template without deletion policies, which an import needs and the next deploy takes away."""
    resources = {
        key: {name: value for name, value in definition.items() if name != "DeletionPolicy"}
        for key, definition in template["Resources"].items()
    }
    return {**template, "Resources": resources}


def _pairs(app: Mapping[str, Any], live: LiveEndpoint, entry: Entry) -> Iterator[_Pair]:
    components = {one.name: one for one in (*live.components, *live.adapters)}
    models: dict[str, str] = {}
    for logical_id, definition in app["Resources"].items():
        match definition.get("Type"):
            case ResourceType.ENDPOINT:
                arn = live.described["EndpointArn"]
                yield _Pair(logical_id, live.name, arn, endpoint_properties(live.described), live.tags[arn])
            case ResourceType.ENDPOINT_CONFIG:
                arn, name = live.configuration["EndpointConfigArn"], live.configuration["EndpointConfigName"]
                yield _Pair(logical_id, name, arn, configuration_properties(live.configuration), live.tags[arn])
            case ResourceType.COMPONENT:
                component = components.get(_live_name(definition, entry))
                if component is not None:
                    models |= _models(definition, component)
                    arn = component.described["InferenceComponentArn"]
                    yield _Pair(logical_id, component.name, arn, live_properties(component), component.tags)
    described = {name: model for one in live.components for name, model in one.models.items()}
    taken: set[str] = set()
    for logical_id, name in models.items():
        if name not in taken:  # one live model is one resource, also where the app has one for each instance type
            taken.add(name)
            arn = described[name]["ModelArn"]
            yield _Pair(logical_id, name, arn, model_properties(described[name]), live.tags[arn])


def _live_name(definition: Json, entry: Entry) -> str:
    """Return the name of the live component that a component of the app's template stands for."""
    path = _COMPONENT_PATH.search(str(definition.get("Metadata", {}).get("aws:cdk:path", "")))
    return entry.names.get(path["adapter"] or path["component"], "") if path else ""


def _models(definition: Json, component: LiveComponent) -> dict[str, str]:
    """Return the names of the live models of a component, by the logical id of the app's model."""
    properties = definition["Properties"]
    several = properties.get("Specifications") or [properties.get("Specification", {})]
    by_type = {one.get("InstanceType"): one for one in component.specifications}
    models = {}
    for specification in several:
        given = specification.get("ModelName")
        live = by_type.get(specification.get("InstanceType"), component.specifications[0])
        if isinstance(given, Mapping) and "Fn::GetAtt" in given and "ModelName" in live:
            models[str(given["Fn::GetAtt"][0])] = str(live["ModelName"])
    return models


class _Writer:
    """Writes the properties of imported resources, and notes where the app's template differs from them."""

    def __init__(self, names: Mapping[str, str], account: str) -> None:
        self._names = names
        self._account = account
        self.differences: list[Difference] = []

    def properties(
        self, pair: _Pair, given: Mapping[str, Any], evaluated: Mapping[str, Value], skipped: tuple[str, ...]
    ) -> dict[str, Any]:
        """Return the properties of a live resource, in the app's own expressions where those mean the same."""
        before = len(self.differences)
        kept = {key: given[key] for key in skipped if key in given}
        # How an update goes is no property of what runs.
        compared = {key: value for key, value in given.items() if key not in (*kept, "Tags", "DeploymentConfig")}
        evaluated = {key: value for key, value in evaluated.items() if key in compared}
        # A name that the app's template leaves to CloudFormation stays out: to state it now would replace later.
        live = {key: value for key, value in pair.properties.items() if key not in skipped}
        if "InferenceComponentName" not in given:
            live.pop("InferenceComponentName", None)
        written: dict[str, Any] = self._merged(compared, evaluated, live, "")
        self.differences[before:] = [
            Difference(pair.logical_id, one.path, one.live, one.entry) for one in self.differences[before:]
        ]
        tags = {tag["Key"]: tag["Value"] for tag in given.get("Tags", [])}
        if tags == dict(pair.tags):
            kept["Tags"] = given.get("Tags")
        else:
            kept["Tags"] = [{"Key": key, "Value": value} for key, value in pair.tags.items()]
            self.differences.append(Difference(pair.logical_id, "Tags", dict(pair.tags) or None, tags or None))
        written |= {key: value for key, value in kept.items() if value}
        order = dict.fromkeys([*given, *written])
        return {key: written[key] for key in order if key in written}

    def _merged(self, given: Any, evaluated: Value, live: Any, path: str) -> Any:
        if isinstance(evaluated, Mapping) and isinstance(live, Mapping) and isinstance(given, Mapping):
            if given.keys() != evaluated.keys():
                return self._leaf(given, evaluated, live, path)
            merged = {}
            for key in dict.fromkeys([*given, *live]):
                place = f"{path}.{key}" if path else str(key)
                value = self._member(given.get(key, _ABSENT), evaluated, live.get(key, _ABSENT), key, place)
                if value is not _ABSENT:
                    merged[key] = value
            return merged
        lists = isinstance(given, list) and isinstance(evaluated, list) and isinstance(live, list)
        if lists and len(given) == len(evaluated) == len(live):
            items = zip(given, evaluated, live, strict=True)
            return [self._merged(*item, f"{path}[{index}]") for index, item in enumerate(items)]
        return self._leaf(given, evaluated, live, path)

    def _member(self, given: Any, evaluated: Mapping[str, Value], live: Any, key: str, place: str) -> Any:
        if given is _ABSENT:
            self.differences.append(Difference("", place, live, None))
            return live
        if live is _ABSENT:
            if isinstance(evaluated[key], Unknown):  # a secret, which is not read from what is live
                return given
            self.differences.append(Difference("", place, None, _plain(self._named(evaluated[key]))))
            return _ABSENT
        return self._merged(given, evaluated[key], live, place)

    def _leaf(self, given: Any, evaluated: Value, live: Any, path: str) -> Any:
        value = self._named(evaluated)
        if isinstance(value, Unknown) or same(value, live) or _equal(value, live):
            return given
        self.differences.append(Difference("", path, live, _plain(value)))
        return live

    def _named(self, value: Value) -> Value:
        """Return a value with the live names in place of references to imported resources."""
        if isinstance(value, Reference):
            return self._names.get(value.logical_id, f"a new {value.logical_id}")
        return value


def _equal(value: Value, live: Any) -> bool:
    """Whether nested values are equal; numbers and names are compared as CloudFormation does."""
    if isinstance(value, Mapping) and isinstance(live, Mapping):
        return value.keys() == live.keys() and all(_equal(item, live[key]) for key, item in value.items())
    if isinstance(value, list) and isinstance(live, list):
        return len(value) == len(live) and all(_equal(*pair) for pair in zip(value, live, strict=True))
    return same(value, live)


def _plain(value: Value) -> Any:
    """Return a value as plain JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.text if isinstance(value, Unknown) else value
