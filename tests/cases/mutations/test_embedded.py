"""The embedded AWS agrees: it refuses each mutant, or cannot delete it, where AWS does, and deploys the others."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws.server import EmbeddedAws
from tests.cases.mutations.operators import OPERATORS, Operator, Template
from tests.embedded import settled

pytestmark = pytest.mark.slow
FOLDER = Path(__file__).parents[1] / "templates"


@cache
def valid() -> Template:
    """An endpoint with a component, both scaling policies and an alarm, written by hand."""
    template: Template = json.loads((FOLDER / "ref_endpoint.json").read_text())
    template["Resources"]["Component"]["Properties"]["EndpointName"] = {"Fn::GetAtt": ["Endpoint", "EndpointName"]}
    return template


def deployed_and_deleted(template: Template) -> tuple[str, str]:
    """Status of the stack after its creation and after its deletion; `refused` if the template is refused."""
    cloudformation = boto3.client("cloudformation", region_name="us-west-2")
    try:
        cloudformation.create_stack(
            StackName="mutant", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
        )
    except ClientError:
        return "refused", ""
    created = settled("mutant")["StackStatus"]
    cloudformation.delete_stack(StackName="mutant")
    deleted = settled("mutant").get("StackStatus", "DELETE_COMPLETE")
    if deleted == "DELETE_FAILED":  # the component is gone by now
        cloudformation.delete_stack(StackName="mutant")
        settled("mutant")
    return created, deleted


def test_the_template_without_a_mutation_is_deployed_and_deleted(embedded: EmbeddedAws) -> None:
    assert deployed_and_deleted(valid()) == ("CREATE_COMPLETE", "DELETE_COMPLETE")


DEPLOYED = [operator for operator in OPERATORS if operator.outcome == "refused" or operator.rule != "property-refused"]
"""Without values that are newer than the schemas: the embedded AWS knows those of its date alone."""


@pytest.mark.parametrize("operator", DEPLOYED, ids=lambda operator: operator.name)
def test_the_embedded_aws_gives_the_outcome_that_aws_gives(embedded: EmbeddedAws, operator: Operator) -> None:
    template = copy.deepcopy(valid())
    assert operator.change(template)

    created, deleted = deployed_and_deleted(template)

    is_taken = (created, deleted) == ("CREATE_COMPLETE", "DELETE_COMPLETE")
    assert is_taken == (operator.outcome != "refused"), (created, deleted)
