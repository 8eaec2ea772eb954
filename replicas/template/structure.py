"""Faults in the structure of a template: sections, members, undefined names, cycles."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from replicas.template.evaluation import LANGUAGE_EXTENSIONS, section, transforms_of
from replicas.template.faults import Evidence, Fault
from replicas.template.functions import FUNCTIONS, GET_ATT_FAULT
from replicas.template.references import attribute_of, conditions_in, explicit_needs, functions_in, mentions, needs_of
from replicas.template.world import PSEUDO_PARAMETERS

_SECTIONS = (
    *("AWSTemplateFormatVersion", "Conditions", "Description", "Hooks", "Mappings", "Metadata", "Outputs"),
    *("Parameters", "Resources", "Rules", "Transform"),
)
_OBJECTS = ("Parameters", "Rules", "Mappings", "Conditions", "Resources", "Outputs")
_RESOURCE_KEYS = (
    *("Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Description", "Metadata", "Properties", "Type"),
    *("UpdatePolicy", "UpdateReplacePolicy"),
)
_POLICIES = {
    "DeletionPolicy": ("Delete", "Retain", "RetainExceptOnCreate"),
    "UpdateReplacePolicy": ("Delete", "Retain"),
}
_WITH_SNAPSHOTS = (
    *("AWS::DocDB::DBCluster", "AWS::EC2::Volume", "AWS::ElastiCache::CacheCluster"),
    *("AWS::ElastiCache::ReplicationGroup", "AWS::Neptune::DBCluster", "AWS::RDS::DBCluster", "AWS::RDS::DBInstance"),
    "AWS::Redshift::Cluster",
)
"""Types that also accept the policy Snapshot (CloudFormation guide, DeletionPolicy attribute)."""
_WITH_SECURE_STRINGS = (
    *("AWS::DirectoryService::MicrosoftAD", "AWS::DirectoryService::SimpleAD", "AWS::ElastiCache::ReplicationGroup"),
    *("AWS::IAM::User", "AWS::KinesisFirehose::DeliveryStream", "AWS::OpsWorks::App", "AWS::OpsWorks::Stack"),
    *("AWS::RDS::DBCluster", "AWS::RDS::DBInstance", "AWS::Redshift::Cluster"),
)
"""Types with a property that takes a secure string of Systems Manager (CloudFormation guide, dynamic references)."""
_SECURE_STRING = "{{resolve:ssm-secure:"
OUTPUT_FAULT = Fault("Template format error: The Value field of every Outputs member must evaluate to a String.")
_QUOTAS = {"Resources": 500, "Parameters": 200, "Mappings": 200, "Outputs": 200}
"""Largest numbers of members (CloudFormation guide, quotas)."""
_SUPPORTED = (
    *FUNCTIONS,
    *("Fn::Contains", "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::ForEach", "Fn::GetStackOutput", "Fn::RefAll"),
    *("Fn::Transform", "Fn::ValueOf", "Fn::ValueOfAll"),
)
"""Functions that CloudFormation supports (cfn-lint 1.58.0, helpers.py: FUNCTIONS)."""
_MOST_NULLS = 10
"""Maximum number of null values that are reported for one resource."""
_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")


def template_faults(template: Mapping[str, Any]) -> list[Fault]:
    """Return the faults of a template's structure: format faults or, if there are none, reference faults."""
    return list(format_faults(template)) or list(reference_faults(template))


def format_faults(template: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield the faults of sections and of their members."""
    unknown = [str(key) for key in template if key not in _SECTIONS]
    if unknown:
        yield Fault(f"Invalid template property or properties [{', '.join(unknown)}]")
    version = template.get("AWSTemplateFormatVersion", "2010-09-09")
    if version != "2010-09-09":
        yield Fault(f"Template format error: {version} is not a supported value for AWSTemplateFormatVersion.")
    for name in _OBJECTS:
        if not isinstance(template.get(name) or {}, Mapping):
            yield Fault(f"Template format error: {name} must be an object.")
    yield from quota_faults(template)
    if not section(template, "Resources"):
        yield Fault("Template format error: At least one Resources member must be defined.")
    for logical_id, definition in section(template, "Resources").items():
        yield from _resource_faults(
            str(logical_id), definition, extended=LANGUAGE_EXTENSIONS in transforms_of(template)
        )
    for name, output in section(template, "Outputs").items():
        if not isinstance(output, Mapping) or "Value" not in output:
            yield Fault(f"Template format error: Every Outputs member must contain a Value object ({name})")


def quota_faults(template: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield a fault for each section with more members than CloudFormation accepts."""
    for name, most in _QUOTAS.items():
        if len(section(template, name)) > most:
            given = f"Number of {name.lower()}, {len(section(template, name))}"
            yield Fault(f"Template format error: {given}, is greater than maximum allowed, {most}", Evidence.DOCUMENTED)


def reference_faults(template: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield faults for undefined names, malformed Fn::GetAtt and cycles. The template must have no `format_faults`."""
    resources, outputs = section(template, "Resources"), section(template, "Outputs")
    for name, content in (("Resources", resources), ("Outputs", outputs)):
        yield from _unresolved_faults(template, content, name)
    for name, content in (("Resources", resources), ("Outputs", outputs)):
        own = (member["Condition"] for member in content.values() if "Condition" in member)
        conditions = section(template, "Conditions")
        for condition in dict.fromkeys(map(str, own)):
            if condition not in conditions:
                yield Fault(
                    f"Template format error: Unresolved condition dependency {condition} in the {name} block of the "
                    "template",
                    Evidence.DOCUMENTED,
                )
        for condition in dict.fromkeys(conditions_in(content)):
            if condition not in conditions:
                yield Fault(f"Template error: unresolved condition dependency {condition} in Fn::If")
    for function in dict.fromkeys(functions_in([*(each.get("Properties") for each in resources.values()), outputs])):
        if not function.startswith(_SUPPORTED):
            yield Fault(f"Template Error: Encountered unsupported function: {function}")
    for logical_id, definition in resources.items():
        for needed in explicit_needs(definition):
            if needed not in resources:
                yield unresolved([needed], "Resources")
            elif needed == logical_id:
                yield Fault(f"Circular dependency between resources: [{logical_id}]")
    needs = needs_of(resources)
    if isinstance(needs, Fault):
        yield needs


def _resource_faults(logical_id: str, definition: Any, *, extended: bool) -> Iterator[Fault]:
    if not _LOGICAL_ID.fullmatch(logical_id):
        yield Fault(f"Template format error: Resource name {logical_id} is non alphanumeric.")
    if not isinstance(definition, Mapping):
        if not logical_id.startswith("Fn::"):
            yield Fault(f"Template format error: [/Resources/{logical_id}] resource definition is malformed")
        return
    if not isinstance(definition.get("Type"), str):
        yield Fault(
            f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    for key in definition:
        if key not in _RESOURCE_KEYS:
            yield Fault(f"Invalid template resource property '{key}'")
    if not isinstance(definition.get("Properties", {}), Mapping):
        yield Fault(f"Template format error: [/Resources/{logical_id}/Properties] must be an object.")
    for key, policies in _POLICIES.items():
        allowed = (*policies, "Snapshot") if definition.get("Type") in _WITH_SNAPSHOTS else policies
        if key in definition and definition[key] not in allowed and not _is_computed(definition[key], extended):
            yield Fault(
                f"Template format error: Unrecognized {key} {definition[key]} for resource {logical_id}; "
                f"it can be {', '.join(allowed)}.",
                Evidence.DOCUMENTED,
            )
    kind = definition.get("Type")
    if kind not in _WITH_SECURE_STRINGS:
        places = dict.fromkeys(_secure_strings(definition.get("Properties"), (str(kind), "Properties")))
        if places:
            yield Fault(f"SSM Secure reference is not supported in: [{','.join(places)}]")
    for path in islice(_nulls(definition, ("Resources", logical_id)), _MOST_NULLS):
        yield Fault(f"[/{'/'.join(path)}] 'null' values are not allowed in templates")


def _is_computed(policy: Any, extended: bool) -> bool:
    """True for a policy made by a function, which the transform AWS::LanguageExtensions allows."""
    return extended and isinstance(policy, Mapping)


def _nulls(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of null values."""
    if isinstance(value, str | int):
        return
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _nulls(inner, (*path, str(key)))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nulls(inner, (*path, str(index)))
    elif value is None:
        yield path


def _secure_strings(value: Any, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the paths of the texts that refer to a secure string of Systems Manager."""
    if isinstance(value, str):
        if _SECURE_STRING in value:
            yield "/".join(path)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            inside = path if str(key).startswith("Fn::") else (*path, str(key))
            yield from _secure_strings(inner, inside)
    elif isinstance(value, list):
        for inner in value:
            yield from _secure_strings(inner, path)


def _unresolved_faults(template: Mapping[str, Any], content: Mapping[str, Any], name: str) -> Iterator[Fault]:
    resources, parameters = section(template, "Resources"), section(template, "Parameters")
    absent: list[str] = []
    for member in content.values():
        stated = {key: value for key, value in member.items() if key not in ("Metadata", "DependsOn")}
        if any(attribute_of(argument) is None for argument in _get_atts(stated)):
            yield Fault(GET_ATT_FAULT)
        for mentioned, attribute in mentions(stated):
            if mentioned not in resources and (
                attribute is not None or (mentioned not in parameters and mentioned not in PSEUDO_PARAMETERS)
            ):
                absent.append(mentioned)
    if absent:
        yield unresolved(absent, name)


def _get_atts(value: Any) -> Iterator[Any]:
    """Yield the argument of every Fn::GetAtt in a value."""
    if isinstance(value, str | int):
        return
    if isinstance(value, Mapping):
        if len(value) == 1 and "Fn::GetAtt" in value:
            yield value["Fn::GetAtt"]
        for inner in value.values():
            yield from _get_atts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _get_atts(inner)


def unresolved(names: list[str], block: str) -> Fault:
    """Return the fault of a reference to a name that the stack does not have."""
    listed = ", ".join(dict.fromkeys(names))
    return Fault(
        f"Template format error: Unresolved resource dependencies [{listed}] in the {block} block of the template"
    )
