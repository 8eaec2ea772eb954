"""Templates: read from JSON or YAML, checked in themselves, ordered by what depends on what."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import yaml

from embedded_aws.cloudformation.errors import invalid

_SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
_RESOURCE_KEYS = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Description",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
_POLICIES = ("Delete", "Retain", "RetainExceptOnCreate")
LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"


@dataclass(frozen=True)
class Template:
    """A template that was read: its text and what it says."""

    body: str
    content: dict[str, Any] = field(default_factory=dict)

    def section(self, name: str) -> dict[str, Any]:
        """A section by name, empty where the template has none."""
        return cast("dict[str, Any]", self.content.get(name) or {})

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        """The resources' definitions by logical id, also those whose condition is false."""
        return self.section("Resources")

    @property
    def description(self) -> str | None:
        """What the template says of itself."""
        return self.content.get("Description")

    @property
    def transforms(self) -> list[str]:
        """The transforms that it declares."""
        declared = self.content.get("Transform") or []
        return declared if isinstance(declared, list) else [declared]

    @property
    def types(self) -> list[str]:
        """Each type of resource once, in the order of appearance."""
        return list(dict.fromkeys(str(one["Type"]) for one in self.resources.values()))


def read(body: str) -> Template:
    """Read a template; JSON where it starts with a brace, otherwise YAML with the short forms of the functions."""
    if len(body.encode()) > 1_000_000:
        raise invalid("Template may not exceed 1000000 bytes in size.")
    try:
        content = json.loads(body) if body.lstrip().startswith("{") else yaml.load(body, _Loader)  # noqa: S506
    except json.JSONDecodeError as error:
        raise invalid(
            f"Template format error: JSON not well-formed. (line {error.lineno}, column {error.colno})"
        ) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise invalid(f"Template format error: YAML not well-formed.{where}") from None
    except (yaml.YAMLError, RecursionError):
        raise invalid("Template format error: YAML not well-formed.") from None
    if not isinstance(content, dict):
        raise invalid("Template format error: unsupported structure.")
    template = Template(body, content)
    _check_structure(template)
    return template


def _check_structure(template: Template) -> None:
    unknown = [str(key) for key in template.content if key not in _SECTIONS]
    if unknown:
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = template.content.get("AWSTemplateFormatVersion", "2010-09-09")
    if version != "2010-09-09":
        raise invalid(f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion.")
    for section in ("Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs"):
        if not isinstance(template.content.get(section) or {}, Mapping):
            raise invalid(f"Template format error: {section} must be an object.")
    foreign = [name for name in template.transforms if name != LANGUAGE_EXTENSIONS]
    if foreign:
        raise invalid(
            f"The embedded AWS has no transform {', '.join(map(str, foreign))}; it has {LANGUAGE_EXTENSIONS}."
        )
    if not template.resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    for logical_id, definition in template.resources.items():
        _check_resource(str(logical_id), definition)
    for path, value in _leaves(template.section("Resources"), "/Resources"):
        if value is None:
            raise invalid(f"[{path}] 'null' values are not allowed in templates")
    for name, output in template.section("Outputs").items():
        if not isinstance(output, Mapping) or "Value" not in output:
            raise invalid(f"Template format error: Every Outputs member must contain a Value object ({name})")


def _check_resource(logical_id: str, definition: Any) -> None:
    if not re.fullmatch(r"[A-Za-z0-9]{1,255}", logical_id):
        raise invalid(f"Template format error: Resource name {logical_id} is non alphanumeric.")
    if not isinstance(definition, Mapping):
        raise invalid(f"Template format error: [/Resources/{logical_id}] resource definition is malformed")
    if not isinstance(definition.get("Type"), str):
        raise invalid(
            f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    for key in definition:
        if key not in _RESOURCE_KEYS:
            raise invalid(f"Invalid template resource property '{key}'")
    if not isinstance(definition.get("Properties", {}), Mapping):
        raise invalid(f"Template format error: [/Resources/{logical_id}/Properties] must be an object.")
    for key, allowed in (("DeletionPolicy", _POLICIES), ("UpdateReplacePolicy", ("Delete", "Retain"))):
        if key in definition and definition[key] not in allowed:
            raise invalid(
                f"Template format error: Unrecognized {key} {definition[key]} for resource {logical_id}; "
                f"it can be {', '.join(allowed)}."
            )


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}/{index}")
    else:
        yield path, value


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: dates stay texts, and `!Sub` and its like are functions."""


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(cast("yaml.MappingNode", node), deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
