"""Faults in the references between the resources of a template, and properties that CloudFormation refuses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from replicas.endpoint.identity import Kind, Subject
from replicas.endpoint.values import Reference, Unknown, Value, at, text_of
from replicas.endpoint.wiring import AbsentAttribute, RefusedProperty, Wiring, WrongReference
from replicas.names import CopyTarget, ResourceType, VariantTarget
from replicas.template.attributes import attributes_of, has_attribute
from replicas.template.evaluation import section
from replicas.template.examples import example_of, has_own_name
from replicas.template.references import mentions
from replicas.template.resources import Resource, Resources
from replicas.template.schemas import Schema, property_schemas, resolved
from replicas.template.validation import Problem, coerced, matches, problems
from replicas.template.waits import missing_waits

_KINDS: Mapping[str, Kind] = {
    ResourceType.ENDPOINT: "endpoint",
    ResourceType.ENDPOINT_CONFIG: "configuration",
    ResourceType.COMPONENT: "component",
    ResourceType.MODEL: "model",
    ResourceType.SCALABLE_TARGET: "scaling target",
}
_NAMED: Mapping[str, Mapping[str, str]] = {
    ResourceType.MODEL: {"ExecutionRoleArn": ResourceType.ROLE},
    ResourceType.ENDPOINT_CONFIG: {
        "ExecutionRoleArn": ResourceType.ROLE,
        "ProductionVariants/*/ModelName": ResourceType.MODEL,
        "ShadowProductionVariants/*/ModelName": ResourceType.MODEL,
    },
    ResourceType.ENDPOINT: {"EndpointConfigName": ResourceType.ENDPOINT_CONFIG},
    ResourceType.COMPONENT: {
        "EndpointName": ResourceType.ENDPOINT,
        "Specification/ModelName": ResourceType.MODEL,
        "Specifications/*/ModelName": ResourceType.MODEL,
    },
    ResourceType.SCALING_POLICY: {"ScalingTargetId": ResourceType.SCALABLE_TARGET},
}
"""Types of the resources that properties name, by the path of the property. A separate rule checks the base components
of adapters."""
_MOST_LISTED = 12
_NAME = "[a-zA-Z0-9](?:-*[a-zA-Z0-9])*"
_TARGET_ID = re.compile(f"{re.escape(CopyTarget.PREFIX)}{_NAME}")
_VARIANT_ID = re.compile(f"endpoint/{_NAME}/variant/{_NAME}")
_TARGET_IDS = {
    CopyTarget.DIMENSION: _TARGET_ID,
    VariantTarget.INSTANCES: _VARIANT_ID,
    VariantTarget.CONCURRENCY: _VARIANT_ID,
}
"""Forms of resource ids by scalable dimension (Application Auto Scaling API reference, RegisterScalableTarget)."""


def wiring_of(resources: Resources) -> Wiring:
    """Return the faults of a template's references and properties."""
    refused, references = [], list(_wrong_target_ids(resources))
    for resource in resources.of_type(*property_schemas()):
        for problem in _refused(resource, resources):
            if isinstance(problem, RefusedProperty):
                refused.append(problem)
            else:
                references.append(problem)
    references += _other_resources(resources, [(reference.subject, reference.path) for reference in references])
    return Wiring(
        properties=tuple(refused),
        references=tuple(references),
        attributes=tuple(_absent_attributes(resources)),
        waits=tuple(missing_waits(resources)),
    )


def subject_of(resource: Resource) -> Subject:
    """Return the identity of a resource."""
    return Subject(kind=_KINDS.get(resource.type, "resource"), name=resource.logical_id)


def _refused(resource: Resource, resources: Resources) -> Iterator[RefusedProperty | WrongReference]:
    schema = property_schemas()[resource.type]
    given = resource.properties
    if isinstance(given, Unknown):
        return
    properties = coerced(given, schema) if isinstance(given, dict) else {}
    for problem in problems(properties, schema, partial(_example, resources=resources)):
        value = _at_path(properties, problem.path)
        if isinstance(value, Reference | Unknown):
            fits = partial(_fits, schema, problem.path)
            yield _wrong_reference(resource, problem.path, value, resources, fits)
        else:
            yield RefusedProperty(
                subject=subject_of(resource),
                path="/".join(problem.path),
                message=problem.message,
                allowed=_allowed(schema, problem, text_of(value)),
                given=text_of(value),
            )


def _other_resources(resources: Resources, known: Sequence[tuple[Subject, str]]) -> Iterator[WrongReference]:
    """Yield references to a resource of the wrong type, except `known`, which are already reported."""
    for kind, named_types in _NAMED.items():
        for resource in resources.of_type(kind):
            for pattern, named_type in named_types.items():
                for path, value in _at_pattern(resource.properties, tuple(pattern.split("/"))):
                    if (subject_of(resource), "/".join(path)) in known or not isinstance(value, Reference):
                        continue
                    if _is_of_another_type(value, named_type, resources):
                        fits = partial(_fits, property_schemas().get(kind, {}), path)
                        yield _wrong_reference(resource, path, value, resources, fits)


def _is_of_another_type(reference: Reference, named_type: str, resources: Resources) -> bool:
    """Return whether a reference resolves to a resource whose type is not `named_type`.

    A reference to a resource whose name the template sets is accepted, because a resource of the right type can have
    the same name. For scalable targets it is not accepted.
    """
    other = resources.get(reference.logical_id)
    if other is None or other.type == named_type or example_of(reference, resources) is None:
        return False
    return named_type == ResourceType.SCALABLE_TARGET or not has_own_name(other)


def _at_pattern(value: Value, pattern: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Value]]:
    """Yield the paths and values that match a pattern; `*` stands for each item of a list."""
    if not pattern:
        yield (), value
        return
    first, rest = pattern[0], pattern[1:]
    entries = enumerate(value if isinstance(value, list) else ()) if first == "*" else [(first, at(value, first))]
    for key, inner in entries:
        yield from (((str(key), *path), found) for path, found in _at_pattern(inner, rest))


def _example(value: Value, resources: Resources) -> str | None:
    """Return an example of a reference's value; None if the value is known only from parameters."""
    refers = isinstance(value, Reference) or (isinstance(value, Unknown) and value.references)
    return example_of(value, resources) if refers else None


def _wrong_target_ids(resources: Resources) -> Iterator[WrongReference]:
    """Yield resource ids of Application Auto Scaling that contain an ARN in the place of a name."""
    for resource in resources.of_type(ResourceType.SCALABLE_TARGET, ResourceType.SCALING_POLICY):
        value = resource.get("ResourceId")
        form = _TARGET_IDS.get(text_of(resource.get("ScalableDimension")))
        if isinstance(value, Reference | Unknown) and form:
            example = example_of(value, resources)
            # The id of a component with the dimension of instances is the fault of another rule.
            if example is not None and not form.fullmatch(example) and not _TARGET_ID.fullmatch(example):
                fits = partial(_has_form, form)
                yield _wrong_reference(resource, ("ResourceId",), value, resources, fits)


def _has_form(form: re.Pattern[str], text: str) -> bool:
    return form.fullmatch(text) is not None


def _wrong_reference(
    resource: Resource, path: tuple[str, ...], value: Value, resources: Resources, fits: Callable[[str], bool]
) -> WrongReference:
    references = (value,) if isinstance(value, Reference) else value.references
    pattern = "/".join("*" if key.isdigit() else key for key in path)
    named_type = _NAMED.get(resource.type, {}).get(pattern, "")
    return WrongReference(
        subject=subject_of(resource),
        path="/".join(path),
        given=" and ".join(_written(reference) for reference in references) or text_of(value),
        value=example_of(value, resources) or "",
        right=_right(value, references[0], named_type, resources, fits) if references else "",
        named_type=named_type,
    )


def _written(reference: Reference) -> str:
    what = f"{reference.attribute or 'Ref'} of {reference.logical_id}"
    return f"a segment of {what}" if reference.segments else what


def _right(
    value: Value, reference: Reference, named_type: str, resources: Resources, fits: Callable[[str], bool]
) -> str:
    """Return a reference that has the kind of value that the property takes; empty if no such reference is known.

    It refers to the same resource or, if this has the wrong type, to the only resource of the right type.
    """
    resource = resources.get(reference.logical_id)
    if named_type and (resource is None or resource.type != named_type):
        candidates = resources.of_type(named_type)
        resource = candidates[0] if len(candidates) == 1 else None
    if resource is None:
        return ""
    name = resource.logical_id
    if named_type == ResourceType.SCALABLE_TARGET:
        return f"Ref {name}"
    whole = text_of(reference)
    frame = (lambda text: text) if isinstance(value, Reference) else (lambda text: text_of(value).replace(whole, text))
    for attribute in (None, *(attributes_of(resource.type) or ())):
        example = example_of(Reference(name, attribute), resources)
        if example is not None and fits(frame(example)):
            return f"Fn::GetAtt {name}.{attribute}" if attribute else f"Ref {name}"
    for delimiter, index in (("/", 1), (":", 5)):
        example = example_of(Reference(name, segments=((delimiter, index),)), resources)
        if example is not None and fits(frame(example)):
            return f"Fn::Select [{index}, Fn::Split ['{delimiter}', Ref {name}]]"
    return ""


def _absent_attributes(resources: Resources) -> Iterator[AbsentAttribute]:
    template = resources.template
    for name, kind in (("Resources", "resource"), ("Outputs", "output")):
        for key, member in section(template, name).items():
            stated = (
                {part: value for part, value in member.items() if part not in ("Metadata", "DependsOn")}
                if (isinstance(member, Mapping))
                else {}
            )
            for logical_id, attribute in dict.fromkeys(mentions(stated)):
                target = section(template, "Resources").get(logical_id)
                type_name = target.get("Type") if isinstance(target, Mapping) else None
                if attribute and isinstance(type_name, str) and not has_attribute(type_name, attribute):
                    own = resources.get(key) if kind == "resource" else None
                    yield AbsentAttribute(
                        subject=subject_of(own) if own else Subject(kind=kind, name=str(key)),  # type: ignore[arg-type]
                        resource=logical_id,
                        attribute=attribute,
                        attributes=attributes_of(type_name) or (),
                    )


def _at_path(value: Value, path: tuple[str, ...]) -> Value:
    for key in path:
        value = value[int(key)] if isinstance(value, list) else at(value, key)
    return value


def _schema_at(schema: Schema, path: tuple[str, ...]) -> Mapping[str, Any]:
    part: Any = schema
    for key in path:
        part = resolved(schema, part)
        part = part.get("items", {}) if "items" in part else part.get("properties", {}).get(key, {})
    return resolved(schema, part)


def _fits(schema: Schema, path: tuple[str, ...], text: str) -> bool:
    """Return whether a text matches the pattern of a property."""
    return matches(str(_schema_at(schema, path).get("pattern", "")), text)


def _listed(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_LISTED])
    return f"one of {shown}{', ...' if len(names) > _MOST_LISTED else ''}" if names else ""


def _allowed(schema: Schema, problem: Problem, given: str) -> str:
    """Return the values that the schema allows, the most similar first, if the message does not list them."""
    part = _schema_at(schema, problem.path)
    if "extraneous key" in problem.message:
        return _listed(list(part.get("properties", {})))
    if "[enum]" in problem.message:
        values = [str(value) for value in part.get("enum", ())]
        near = difflib.get_close_matches(given, values)
        return _listed([*near, *(value for value in values if value not in near)])
    return f"a text that matches {part.get('pattern')}" if "[pattern]" in problem.message else ""
