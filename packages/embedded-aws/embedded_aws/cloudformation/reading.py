"""CloudFormation's read-only operations."""

from __future__ import annotations

import json
from typing import Any

from embedded_aws.cloudformation import answers
from embedded_aws.cloudformation.checks import capabilities_needed
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.imports import identifier_of
from embedded_aws.cloudformation.registry import Registry
from embedded_aws.cloudformation.requests import template_of
from embedded_aws.cloudformation.state import Stack
from embedded_aws.cloudformation.template import Template
from embedded_aws.evidence import ASSUMED, documented
from embedded_aws.service import Answer, Parameters, ServiceError
from replicas.endpoint.values import text_of
from replicas.names import ResourceType
from replicas.template.parameters import is_hidden, kind_of


class Reading(Registry):
    """CloudFormation's read-only operations: describe, list, get and validate."""

    def describe_stacks(self, params: Parameters) -> Answer:
        """Return the named stack, or all live stacks, newest first. A deleted stack is found by its id only."""
        if params.get("StackName"):
            return {"Stacks": [answers.stack(self.known_stack(str(params["StackName"])))]}
        live = [stack for stack in reversed(self._stacks.values()) if not stack.deleted]
        shown, following = answers.page(live, params.get("NextToken"))
        return {"Stacks": [answers.stack(stack) for stack in shown], **following}

    def list_stacks(self, params: Parameters) -> Answer:
        """Return summaries of all stacks, newest first, including deleted stacks."""
        statuses = params.get("StackStatusFilter")
        stacks = [stack for stack in reversed(self._stacks.values()) if not statuses or stack.status in statuses]
        shown, following = answers.page(stacks, params.get("NextToken"))
        return {"StackSummaries": [answers.summary(stack) for stack in shown], **following}

    def describe_stack_events(self, params: Parameters) -> Answer:
        """Return the events of a stack, newest first."""
        stack = self.known_stack(str(params["StackName"]), "Stack [{}] does not exist")
        shown, following = answers.page(stack.events[::-1], params.get("NextToken"))
        return {"StackEvents": list(shown), **following}

    def describe_stack_resource(self, params: Parameters) -> Answer:
        """Return one resource of a stack, with its metadata."""
        name, logical_id = str(params["StackName"]), str(params["LogicalResourceId"])
        stack = self.known_stack(name, "Stack '{}' does not exist")
        if logical_id not in stack.resources:
            raise invalid(f"Resource {logical_id} does not exist for stack {stack.name}", ASSUMED)
        return {"StackResourceDetail": answers.resource_detail(stack, stack.resources[logical_id])}

    def describe_stack_resources(self, params: Parameters) -> Answer:
        """Return the resources of a stack.

        The request gives the name of the stack, or the physical id of one of its resources.
        """
        physical_id, logical_id = params.get("PhysicalResourceId"), params.get("LogicalResourceId")
        if params.get("StackName"):
            stack = self.known_stack(str(params["StackName"]))
        elif physical_id:
            stack = self._stack_with(str(physical_id))
        else:
            raise invalid("Both StackName and PhysicalResourceId cannot be empty", ASSUMED)
        chosen = [resource for resource in stack.resources.values() if logical_id in (None, resource.logical_id)]
        return {"StackResources": [answers.resource(stack, resource, "Timestamp") for resource in chosen]}

    def list_stack_resources(self, params: Parameters) -> Answer:
        """Return summaries of the resources of a stack."""
        stack = self.known_stack(str(params["StackName"]))
        shown, following = answers.page(list(stack.resources.values()), params.get("NextToken"))
        listed = [answers.resource(stack, resource, "LastUpdatedTimestamp", stack_named=False) for resource in shown]
        return {"StackResourceSummaries": listed, **following}

    def get_template(self, params: Parameters) -> Answer:
        """Return the template of a stack or change set, as it was submitted."""
        if params.get("ChangeSetName"):
            name = str(params["ChangeSetName"])
            for change_set in self._change_sets.values():
                owner = self._stacks[change_set.stack_id]
                if name == change_set.id or (
                    name == change_set.name and params.get("StackName") in (owner.name, owner.id)
                ):
                    return _template(change_set.desired.template)
            raise ServiceError(
                "ChangeSetNotFound",
                f"ChangeSet [{name}] does not exist",
                documented("CloudFormation API: errors of the change set operations"),
                status=404,
            )
        return _template(self.known_stack(str(params["StackName"])).desired.template)

    def get_template_summary(self, params: Parameters) -> Answer:
        """Return the parameters, capabilities and resource types of a template, submitted or deployed."""
        if params.get("StackName"):
            template = self.known_stack(str(params["StackName"])).desired.template
        else:
            template = template_of(self, params, None)
        region = self.surroundings.region
        identifiers = [
            {
                "ResourceType": kind,
                "LogicalResourceIds": [
                    name for name, definition in template.resources.items() if definition["Type"] == kind
                ],
                "ResourceIdentifiers": identifier_of(kind, region),
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
        """Check a template and return its parameters and capabilities."""
        answer = _summary(template_of(self, params, None))
        keys = ("ParameterKey", "DefaultValue", "NoEcho", "Description")
        answer["Parameters"] = [
            {key: parameter[key] for key in keys if key in parameter} for parameter in answer["Parameters"]
        ]
        return answer

    def list_exports(self, params: Parameters) -> Answer:
        """Return the exports of all stacks."""
        exports = [
            {"ExportingStackId": stack.id, "Name": name, "Value": value} for stack, name, value in self.exports()
        ]
        shown, following = answers.page(exports, params.get("NextToken"))
        return {"Exports": list(shown), **following}

    def list_imports(self, params: Parameters) -> Answer:
        """Return the names of the stacks that import an export."""
        name = str(params["ExportName"])
        users = self.importers(name)
        if not users:
            raise invalid(f"Export '{name}' is not imported by any stack.", ASSUMED)
        shown, following = answers.page(users, params.get("NextToken"))
        return {"Imports": list(shown), **following}

    def _stack_with(self, physical_id: str) -> Stack:
        for stack in self._stacks.values():
            if not stack.deleted and any(resource.physical_id == physical_id for resource in stack.resources.values()):
                return stack
        raise invalid(f"Stack for {physical_id} does not exist", ASSUMED)


def _template(template: Template) -> Answer:
    """Return the GetTemplate response; Original and Processed are the same, since no transform changes the template."""
    return {"TemplateBody": template.body, "StagesAvailable": ["Original", "Processed"]}


def _summary(template: Template) -> dict[str, Any]:
    capabilities = capabilities_needed(template)
    answer: dict[str, Any] = {
        "Parameters": [_parameter(name, declaration) for name, declaration in template.section("Parameters").items()],
        "Capabilities": capabilities,
        "DeclaredTransforms": template.transforms,
    }
    if template.description:
        answer["Description"] = template.description
    if capabilities:
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
        answer["ParameterConstraints"] = {
            "AllowedValues": [text_of(allowed) for allowed in declaration["AllowedValues"]]
        }
    return answer
