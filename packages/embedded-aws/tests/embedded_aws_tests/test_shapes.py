"""What AWS's front door refuses, in its words; the models of the operations are botocore's."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel

from embedded_aws.server import SERVICES
from embedded_aws.service import ServiceError
from embedded_aws.shapes import _compiled, check_shape

MODEL = {"ModelName": "llama", "ExecutionRoleArn": "arn:aws:iam::123456789012:role/replicas"}
CONFIG = {
    "EndpointConfigName": "config",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/replicas",
    "ProductionVariants": [{"VariantName": "AllTraffic", "InstanceType": "ml.p4d.24xlarge", "InitialInstanceCount": 1}],
}


@cache
def service(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"), name)


def refusal(operation: str, params: object, *, of: str = "sagemaker", **more: str) -> ServiceError:
    with pytest.raises(ServiceError) as refused:
        check_shape(params, service(of).operation_model(operation).input_shape, **more)
    return refused.value


def with_variant(**changes: Any) -> dict[str, Any]:
    return {**CONFIG, "ProductionVariants": [{**CONFIG["ProductionVariants"][0], **changes}]}  # type: ignore[dict-item]


@pytest.mark.parametrize(("operation", "params"), [("CreateModel", MODEL), ("CreateEndpointConfig", CONFIG)])
def test_what_is_right_passes(operation: str, params: dict[str, Any]) -> None:
    check_shape(params, service("sagemaker").operation_model(operation).input_shape)


def test_members_that_are_null_count_as_left_out() -> None:
    check_shape({**MODEL, "Tags": None}, service("sagemaker").operation_model("CreateModel").input_shape)


@pytest.mark.parametrize(
    ("operation", "params", "words"),
    [
        (
            "CreateModel",
            {},
            "1 validation error detected: Value 'null' at 'modelName' failed to satisfy constraint: Member must not be "
            "null",
        ),
        (
            "CreateModel",
            {**MODEL, "ModelName": "under_score"},
            "Value 'under_score' at 'modelName' failed to satisfy constraint: Member must satisfy regular expression "
            "pattern: [a-zA-Z0-9]([\\-a-zA-Z0-9]*[a-zA-Z0-9])?",
        ),
        (
            "CreateModel",
            {**MODEL, "ModelName": "m" * 64},
            f"Value '{'m' * 64}' at 'modelName' failed to satisfy constraint: Member must have length less than or "
            "equal to 63",
        ),
        (
            "CreateModel",
            {**MODEL, "PrimaryContainer": {"Enviroment": {}}},
            "at 'primaryContainer.enviroment' failed to satisfy constraint: Member must be a member of the request",
        ),
        (
            "CreateEndpointConfig",
            with_variant(InstanceType="ml.p4d.48xlarge"),
            "1 validation error detected: Value 'ml.p4d.48xlarge' at 'productionVariants.1.member.instanceType' failed "
            "to satisfy constraint: Member must satisfy enum value set: [ml.t2.medium, ",
        ),
        (
            "CreateEndpointConfig",
            with_variant(InitialInstanceCount=0),
            "Value '0' at 'productionVariants.1.member.initialInstanceCount' failed to satisfy constraint: Member must "
            "have value greater than or equal to 1",
        ),
        ("CreateEndpointConfig", with_variant(InitialInstanceCount="1"), "Member must be a whole number"),
        ("CreateEndpointConfig", with_variant(InitialInstanceCount=True), "Member must be a whole number"),
        ("CreateEndpointConfig", with_variant(EnableSSMAccess="yes"), "Member must be true or false"),
        ("CreateEndpointConfig", with_variant(ManagedInstanceScaling=[]), "Member must be a structure"),
        ("CreateEndpointConfig", {**CONFIG, "ProductionVariants": {}}, "Member must be a list"),
        (
            "CreateEndpointConfig",
            {**CONFIG, "ProductionVariants": []},
            "at 'productionVariants' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        ("CreateModel", {**MODEL, "PrimaryContainer": {"Environment": []}}, "Member must be a map"),
        ("CreateModel", {**MODEL, "ModelName": 7}, "Member must be a string"),
        (
            "CreateModel",
            {**MODEL, "PrimaryContainer": {"Environment": {"BAD-KEY": "x"}}},
            "at 'primaryContainer.environment.BAD-KEY.key' failed to satisfy constraint",
        ),
        ("CreateModel", [], "Member must be a structure"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_refused_in_awss_words(operation: str, params: object, words: str) -> None:
    refused = refusal(operation, params)

    assert words in refused.message
    assert (refused.code, refused.status) == ("ValidationException", 400)


def test_all_faults_of_a_request_come_at_once() -> None:
    refused = refusal("CreateModel", {"ModelName": "under_score", "EnableNetworkIsolation": "no"})

    assert refused.message.startswith("2 validation errors detected: ")
    assert refused.message.count("failed to satisfy constraint") == 2


def test_services_of_the_query_protocol_say_validation_error() -> None:
    refused = refusal("CreateStack", {"OnFailure": "PANIC"}, of="cloudformation", code="ValidationError")

    assert refused.code == "ValidationError"
    assert "Value 'null' at 'stackName' failed to satisfy constraint: Member must not be null" in refused.message
    assert "Value 'PANIC' at 'onFailure' failed" in refused.message


def test_every_instance_type_that_botocore_knows_is_taken() -> None:
    shape = service("sagemaker").shape_for("ProductionVariantInstanceType")

    for instance_type in shape.enum:  # type: ignore[attr-defined]
        operation = service("sagemaker").operation_model("CreateEndpointConfig")
        check_shape(with_variant(InstanceType=instance_type), operation.input_shape)


@pytest.mark.parametrize("name", ["sagemaker", "application-autoscaling", "service-quotas", "cloudformation"])
def test_the_patterns_of_the_operations_that_are_answered_here_mean_something_in_python(name: str) -> None:
    """Java's and Python's expressions differ: one that Python cannot read would let everything pass."""
    model = service(name)
    answered = [operation for operation in model.operation_names if hasattr(SERVICES[name], xform_name(operation))]
    assert answered
    for operation in answered:
        for pattern in _patterns(model.operation_model(operation).input_shape, set()):
            assert _compiled(pattern).pattern != ".*" or pattern in (".*", r"[\S\s]*"), pattern


def _patterns(shape: Any, seen: set[str]) -> set[str]:
    if shape is None or shape.name in seen:
        return set()
    seen.add(shape.name)
    found = {shape.metadata["pattern"]} if "pattern" in shape.metadata else set()
    parts = [getattr(shape, part, None) for part in ("key", "value", "member")]
    return found.union(*(_patterns(below, seen) for below in [*getattr(shape, "members", {}).values(), *parts]))


def test_classes_of_javas_expressions_are_read_as_pythons() -> None:
    tag = _compiled(r"([\p{L}\p{Z}\p{N}_.:/=+\-@]*)")

    assert tag.fullmatch("Größe 13B: a/b")
    assert not tag.fullmatch("semi;colon")
