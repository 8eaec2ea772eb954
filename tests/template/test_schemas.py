"""Which properties replace a resource: the distilled data is what the installed schemas say, for every type."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicas.endpoint.values import Reference, Unknown
from replicas.template import schemas
from replicas.template.schemas import Recreation, create_only, recreation, rules_of
from scripts.refresh_data import REPLICAS, TEMPLATE_DATA, contents

DATA = REPLICAS / TEMPLATE_DATA / "replacement.json"


def test_the_data_file_is_one_that_the_script_makes() -> None:
    """`tests/catalogue` compares all of them with the packages."""
    assert TEMPLATE_DATA / "replacement.json" in contents()
    assert Path(schemas.__file__).parent / "data" / "replacement.json" == DATA


def test_an_endpoint_is_bound_to_its_name_and_a_component_to_nothing() -> None:
    assert create_only("AWS::SageMaker::Endpoint") == {"EndpointName"}
    assert create_only("AWS::SageMaker::InferenceComponent") == set()
    assert {"PrimaryContainer", "ModelName"} <= create_only("AWS::SageMaker::Model")
    assert "Tags" not in create_only("AWS::SageMaker::EndpointConfig")


def test_a_type_without_a_schema_may_be_replaced() -> None:
    assert rules_of("Custom::Thing") is None
    assert recreation("Custom::Thing", "Name", {}, {"Name": 1}) is Recreation.CONDITIONALLY


@pytest.mark.parametrize(
    ("resource_type", "name", "before", "after", "answer"),
    [
        ("AWS::SageMaker::Model", "PrimaryContainer", {"Image": "a"}, {"Image": "b"}, Recreation.ALWAYS),
        ("AWS::SageMaker::Model", "Tags", [], [{"Key": "a", "Value": "b"}], Recreation.NEVER),
        ("AWS::SageMaker::Model", "ExecutionRoleArn", Reference("A"), Reference("B"), Recreation.ALWAYS),
        # Only nested properties are create-only here: a change beside them is in place.
        ("AWS::MSK::Cluster", "BrokerNodeGroupInfo", {"ClientSubnets": ["a"]}, {"ClientSubnets": ["b"]}, "Always"),
        ("AWS::MSK::Cluster", "BrokerNodeGroupInfo", {"InstanceType": "a"}, {"InstanceType": "b"}, "Never"),
        ("AWS::MSK::Cluster", "BrokerNodeGroupInfo", {"ClientSubnets": ["a"]}, Unknown("why"), "Always"),
        ("AWS::MSK::Replicator", "ReplicationInfoList", [{"SourceKafkaClusterArn": "a"}], [], "Always"),
        ("AWS::SageMaker::Domain", "VpcId", "a", "b", "Conditionally"),
    ],
)
def test_a_property_replaces_its_resource_where_a_create_only_path_changes(
    resource_type: str, name: str, before: object, after: object, answer: str
) -> None:
    assert recreation(resource_type, name, {name: before}, {name: after}) == answer
