"""Parts of a template that no reader can judge: their content is elsewhere, or is made at the deployment."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Unread
from replicas.endpoint.values import Unknown
from replicas.names import ResourceType
from replicas.template.attributes import attributes_of, near_types
from replicas.template.evaluation import LANGUAGE_EXTENSIONS, transforms_of
from replicas.template.loops import LOOP, collection_of
from replicas.template.references import names_in
from replicas.template.resources import Resources

TRANSFORM = "Transform"
"""Section of a template, by which a question about its transforms is listed."""

_ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "AWS::CloudFormation::Stack": ("what the nested stack deploys", "its template is not part of this one"),
    "AWS::CloudFormation::StackSet": ("what the stack set deploys", "its template is not part of this one"),
    "AWS::Serverless::Application": ("what the application deploys", "its template is not part of this one"),
    "AWS::ServiceCatalog::CloudFormationProvisionedProduct": (
        "what the product deploys",
        "its template is not part of this one",
    ),
    "AWS::CloudFormation::Macro": ("what the macro makes of a template", "a function rewrites it at the deployment"),
}
"""Types that deploy what is declared elsewhere: the question, and why it is not judged."""
_MODULE = "::MODULE"
_CUSTOM = ("Custom::", "AWS::CloudFormation::CustomResource")
_SERVING = re.compile(r"sagemaker|inference[-_ ]?component|endpoint[-_ ]?config", re.IGNORECASE)
"""Words by which a custom resource tells that it works on endpoints."""


def rewriting_macros(template: Mapping[str, Any]) -> list[str]:
    """Return the macros of the account that may rewrite the whole template; those of AWS rewrite their own types."""
    return [name for name in transforms_of(template) if not name.startswith("AWS::")]


def unread_of(resources: Resources) -> Iterator[Unread]:
    """Yield what is not read: transforms, macros, modules, nested stacks, custom resources that serve, malformed parts.

    A custom resource counts only if it refers to a SageMaker resource of the template, or names SageMaker: the CDK
    adds others to many templates, for example to empty a bucket.
    """
    template = resources.template
    macros = [name for name in transforms_of(template) if name != LANGUAGE_EXTENSIONS]
    for name in macros:
        why = f"the transform {name} may add, change or remove anything at the deployment"
        yield _unread(TRANSFORM, "what the transform makes of the template", why)
    serving = {
        str(logical_id)
        for logical_id in resources
        if _type_of(template["Resources"][logical_id]).startswith(ResourceType.SAGEMAKER)
    }
    for logical_id in resources:
        body = template["Resources"][logical_id]
        if str(logical_id).startswith(LOOP) and LANGUAGE_EXTENSIONS in transforms_of(template):
            items = collection_of(body, resources.resolver)
            why, parameters = (items.why, items.parameters) if isinstance(items, Unknown) else ("it is malformed", ())
            subject = Subject(kind="resource", name=str(logical_id))
            yield Unread(subject=subject, question="what the loop declares", why=why, parameters=parameters)
        elif str(logical_id).startswith("Fn::"):
            yield _unread(str(logical_id), "", "its resources are made by a macro at the deployment")
        elif not isinstance(body, Mapping):
            yield _unread(str(logical_id), "", "it is no resource")
        else:
            answer = _of_resource(body, serving) if resources.get(logical_id) is not None else None
            if answer is None and not macros:  # a macro may replace a type of its own
                answer = _of_type(_type_of(body))
            if answer:
                yield _unread(str(logical_id), *answer)


def _of_resource(body: Mapping[Any, Any], serving: set[str]) -> tuple[str, str] | None:
    """Question and reason of a resource that is not read; None for any other resource."""
    kind = _type_of(body)
    if kind in _ELSEWHERE:
        return _ELSEWHERE[kind]
    if kind.endswith(_MODULE):
        return "what the module deploys", "its fragment is in the registry of the account"
    if any(isinstance(key, str) and key.startswith("Fn::") for key in body):
        return "", "a macro completes it at the deployment"
    if _has_transform(body.get("Properties")):
        return "what a macro or a loop makes of its properties", "it is worked out at the deployment"
    if kind.startswith(_CUSTOM) and _serves(body, serving):
        return "what the custom resource does with endpoints", "a function decides it at the deployment"
    return None


def _of_type(kind: str) -> tuple[str, str] | None:
    """Question and reason of a type of AWS that is misspelt, or newer than the schemas; None for any other type."""
    if not kind.startswith("AWS::") or attributes_of(kind) is not None:
        return None
    near = f"; near: {', '.join(alike)}" if (alike := near_types(kind)) else ""
    return "what the resource is", f"no schema of CloudFormation has its type {kind}{near}"


def _serves(body: Mapping[Any, Any], serving: set[str]) -> bool:
    if not serving.isdisjoint(names_in(body.get("Properties"))) or _SERVING.search(_type_of(body)):
        return True
    return any(_SERVING.search(text) for text in _texts(body.get("Properties")))


def _texts(value: Any) -> Iterator[str]:
    """Yield the keys and texts in a value, each container once."""
    for item in _inside(value):
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            yield from (key for key in item if isinstance(key, str))


def _has_transform(value: Any) -> bool:
    keys = (key for item in _inside(value) if isinstance(item, Mapping) for key in item)
    return any(isinstance(key, str) and (key == "Fn::Transform" or key.startswith(LOOP)) for key in keys)


def _inside(value: Any) -> Iterator[Any]:
    """Yield a value and all values in it, each container once."""
    pending, visited = [value], set[int]()
    while pending:
        item = pending.pop()
        if isinstance(item, Mapping | list):
            if id(item) in visited:
                continue
            visited.add(id(item))
            pending.extend(item.values() if isinstance(item, Mapping) else item)
        yield item


def _type_of(body: Any) -> str:
    kind = body.get("Type") if isinstance(body, Mapping) else None
    return kind if isinstance(kind, str) else ""


def _unread(name: str, question: str, why: str) -> Unread:
    return Unread(subject=Subject(kind="resource", name=name), question=question, why=why)
