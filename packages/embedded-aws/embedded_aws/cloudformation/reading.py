"""Operations that only read."""

from __future__ import annotations

import json
from typing import Any

from embedded_aws.cloudformation import answers
from embedded_aws.cloudformation.checks import capabilities_needed
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.registry import Registry
from embedded_aws.cloudformation.requests import template_of
from embedded_aws.cloudformation.schemas import schema_of
from embedded_aws.cloudformation.state import Stack
from embedded_aws.cloudformation.template import Template
from embedded_aws.evidence import ASSUMED, documented
from embedded_aws.service import Answer, Parameters, ServiceError
from replicas.endpoint.values import text_of
from replicas.names import ResourceType
from replicas.template.parameters import is_hidden, kind_of


class Reading(Registry):
    """Describing and listing."""

    def describe_stacks(self, params: Parameters) -> Answer:
        """DescribeStacks; a deleted stack by its id only."""
        if params.get("StackName"):
            return {"Stacks": [answers.stack(self.known_stack(str(params["StackName"])))]}
        live = [stack for stack in reversed(self._stacks.values()) if not stack.deleted]
        some, following = answers.page(live, params.get("NextToken"))
        return {"Stacks": [answers.stack(stack) for stack in some], **following}

    def list_stacks(self, params: Parameters) -> Answer:
        """ListStacks; deleted ones too."""
        wanted = params.get("StackStatusFilter")
        stacks = [stack for stack in reversed(self._stacks.values()) if not wanted or stack.status in wanted]
        some, following = answers.page(stacks, params.get("NextToken"))
        return {"StackSummaries": [answers.summary(stack) for stack in some], **following}

    def describe_stack_events(self, params: Parameters) -> Answer:
        """DescribeStackEvents, newest first."""
        stack = self.known_stack(str(params["StackName"]), "Stack [{}] does not exist")
        some, following = answers.page(stack.events[::-1], params.get("NextToken"))
        return {"StackEvents": list(some), **following}

    def describe_stack_resource(self, params: Parameters) -> Answer:
        """DescribeStackResource."""
        name, logical_id = str(params["StackName"]), str(params["LogicalResourceId"])
        stack = self.known_stack(name, "Stack '{}' does not exist")
        if logical_id not in stack.resources:
            raise invalid(f"Resource {logical_id} does not exist for stack {stack.name}", ASSUMED)
        return {"StackResourceDetail": answers.resource_detail(stack, stack.resources[logical_id])}

    def describe_stack_resources(self, params: Parameters) -> Answer:
        """DescribeStackResources, by the stack or by a physical id."""
        physical_id, logical_id = params.get("PhysicalResourceId"), params.get("LogicalResourceId")
        if params.get("StackName"):
            stack = self.known_stack(str(params["StackName"]))
        elif physical_id:
            stack = self._stack_with(str(physical_id))
        else:
            raise invalid("Both StackName and PhysicalResourceId cannot be empty", ASSUMED)
        chosen = [one for one in stack.resources.values() if logical_id in (None, one.logical_id)]
        return {"StackResources": [answers.resource(stack, one, "Timestamp") for one in chosen]}

    def list_stack_resources(self, params: Parameters) -> Answer:
        """ListStackResources."""
        stack = self.known_stack(str(params["StackName"]))
        some, following = answers.page(list(stack.resources.values()), params.get("NextToken"))
        listed = [answers.resource(stack, one, "LastUpdatedTimestamp", stack_named=False) for one in some]
        return {"StackResourceSummaries": listed, **following}

    def get_template(self, params: Parameters) -> Answer:
        """GetTemplate, of a stack or a change set, as it was given."""
        if params.get("ChangeSetName"):
            name = str(params["ChangeSetName"])
            for one in self._change_sets.values():
                owner = self._stacks[one.stack_id]
                if name == one.id or (name == one.name and params.get("StackName") in (owner.name, owner.id)):
                    return _template(one.wanted.template)
            raise ServiceError(
                "ChangeSetNotFound",
                f"ChangeSet [{name}] does not exist",
                documented("CloudFormation API: errors of the change set operations"),
                status=404,
            )
        return _template(self.known_stack(str(params["StackName"])).wanted.template)

    def get_template_summary(self, params: Parameters) -> Answer:
        """GetTemplateSummary."""
        if params.get("StackName"):
            template = self.known_stack(str(params["StackName"])).wanted.template
        else:
            template = template_of(self, params, None)
        region = self.surroundings.region
        identifiers = [
            {
                "ResourceType": kind,
                "LogicalResourceIds": [name for name, one in template.resources.items() if one["Type"] == kind],
                "ResourceIdentifiers": ["/".join(path) for path in sorted(schema_of(kind, region).identifiers)],
            }
            for kind in template.types
        ]
        metadata = template.content.get("Metadata")
        return {
            **_summary(template),
            "ResourceTypes": template.types,
            "ResourceIdentifierSummaries": identifiers,
            **(
                {"Version": template.content["AWSTemplateFormatVersion"]}
                if "AWSTemplateFormatVersion" in template.content
                else {}
            ),
            **({"Metadata": json.dumps(metadata)} if metadata is not None else {}),
        }

    def validate_template(self, params: Parameters) -> Answer:
        """ValidateTemplate."""
        answer = _summary(template_of(self, params, None))
        kept = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
        answer["Parameters"] = [{key: one[key] for key in kept if key in one} for one in answer["Parameters"]]
        return answer

    def list_exports(self, params: Parameters) -> Answer:
        """ListExports."""
        exports = [
            {"ExportingStackId": stack.id, "Name": name, "Value": value} for stack, name, value in self.exports()
        ]
        some, following = answers.page(exports, params.get("NextToken"))
        return {"Exports": list(some), **following}

    def list_imports(self, params: Parameters) -> Answer:
        """ListImports."""
        name = str(params["ExportName"])
        users = self.importers(name)
        if not users:
            raise invalid(f"Export '{name}' is not imported by any stack.", ASSUMED)
        some, following = answers.page(users, params.get("NextToken"))
        return {"Imports": list(some), **following}

    def _stack_with(self, physical_id: str) -> Stack:
        for stack in self._stacks.values():
            if not stack.deleted and any(one.physical_id == physical_id for one in stack.resources.values()):
                return stack
        raise invalid(f"Stack for {physical_id} does not exist", ASSUMED)


def _template(template: Template) -> Answer:
    """No transform of the embedded AWS changes a template: both stages are one."""
    return {"TemplateBody": template.body, "StagesAvailable": ["Original", "Processed"]}


def _summary(template: Template) -> dict[str, Any]:
    needed = capabilities_needed(template)
    answer: dict[str, Any] = {
        "Parameters": [_parameter(name, one) for name, one in template.section("Parameters").items()],
        "Capabilities": needed,
        "DeclaredTransforms": template.transforms,
    }
    if template.description:
        answer["Description"] = template.description
    if needed:
        types = [kind for kind in template.types if kind.startswith(ResourceType.IAM)]
        answer["CapabilitiesReason"] = f"The following resource(s) require capabilities: [{', '.join(types)}]"
    return answer


def _parameter(name: str, declaration: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "ParameterKey": name,
        "ParameterType": kind_of(declaration),
        "NoEcho": is_hidden(declaration),
    }
    if "Default" in declaration:
        answer["DefaultValue"] = text_of(declaration["Default"])
    if "Description" in declaration:
        answer["Description"] = declaration["Description"]
    if "AllowedValues" in declaration:
        answer["ParameterConstraints"] = {"AllowedValues": [text_of(one) for one in declaration["AllowedValues"]]}
    return answer
