"""Requests that break a rule are refused with the rule's evidence, and the check reports the same rules."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_aws.evidence import Kind
from embedded_aws.service import ServiceError
from embedded_aws_tests.sagemaker.conftest import P4D, ROLE, Account, specification
from replicas.rules import check, enforced_by

VARIANT = {"VariantName": "AllTraffic", "InstanceType": P4D, "InitialInstanceCount": 2}
ADAPTER = {"BaseInferenceComponentName": "base", "Container": {"ArtifactUrl": "s3://bucket/adapter/"}}
COMPUTE = "ComputeResourceRequirements"


def without_claims() -> dict[str, Any]:
    return {key: value for key, value in specification().items() if key != COMPUTE}


BROKEN: list[tuple[str, dict[str, Any]]] = [
    ("copies-below-one", {"RuntimeConfig": {"CopyCount": 0}}),
    ("copies-missing", {"RuntimeConfig": None}),
    ("variant-unknown", {"VariantName": "Other"}),
    ("claims-missing", {"Specification": without_claims()}),
    ("accelerators-not-whole", {"Specification": specification(accelerators=1.5)}),  # type: ignore[arg-type]
    ("container-missing", {"Specification": {COMPUTE: specification()[COMPUTE]}}),
    ("specification-types", {"Specification": None, "Specifications": [{"InstanceType": P4D, **specification()}] * 2}),
    ("specification-forms", {"Specifications": [{"InstanceType": P4D, **specification()}]}),
    ("adapter-artifact", {"Specification": {"BaseInferenceComponentName": "base"}, "RuntimeConfig": None}),
    ("adapter-claims", {"Specification": {**ADAPTER, COMPUTE: specification()[COMPUTE]}, "RuntimeConfig": None}),
]


def request(changes: dict[str, Any]) -> dict[str, Any]:
    made = {
        "InferenceComponentName": "component",
        "EndpointName": "endpoint",
        "VariantName": "AllTraffic",
        "Specification": specification(),
        "RuntimeConfig": {"CopyCount": 1},
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


def rules_broken_in_a_template(component: dict[str, Any]) -> set[str]:
    resources = {
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {"ExecutionRoleArn": ROLE, "ProductionVariants": [VARIANT]},
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointName": "endpoint",
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Component": {"Type": "AWS::SageMaker::InferenceComponent", "DependsOn": "Endpoint", "Properties": component},
    }
    return {problem.rule for problem in check({"Resources": resources}, region="us-west-2").problems}


@pytest.fixture
def serving(account: Account) -> Account:
    account.endpoint(instances=2)
    account.create("base")
    account.wait(1_000)
    return account


@pytest.mark.parametrize(("rule", "changes"), BROKEN, ids=[rule for rule, _ in BROKEN])
def test_a_request_that_breaks_a_rule_is_refused_and_reported_by_the_check(
    serving: Account, rule: str, changes: dict[str, Any]
) -> None:
    with pytest.raises(ServiceError) as refused:
        serving("CreateInferenceComponent", **request(changes))

    assert refused.value.code == "ValidationException"
    assert rule in {enforced.id for enforced in enforced_by("CreateInferenceComponent")}
    assert rule in rules_broken_in_a_template(request(changes))


def test_a_model_without_a_container_is_refused(account: Account) -> None:
    refusal = account.refusal("CreateModel", ModelName="model", ExecutionRoleArn=ROLE)

    assert refusal == "Either PrimaryContainer or Containers must be given."


def test_a_model_with_two_forms_of_containers_is_refused_and_reported(account: Account) -> None:
    containers = {"PrimaryContainer": {"Image": "a"}, "Containers": [{"Image": "b"}]}
    model = {"ModelName": "model", "ExecutionRoleArn": ROLE, **containers}

    assert "PrimaryContainer" in account.refusal("CreateModel", **model)
    resource = {"Type": "AWS::SageMaker::Model", "Properties": {**containers, "ExecutionRoleArn": ROLE}}
    assert [found.rule for found in check({"Resources": {"Model": resource}}).problems] == ["model-containers"]


def test_a_configuration_for_components_without_a_role_is_refused_and_reported(account: Account) -> None:
    configuration = {"EndpointConfigName": "config", "ProductionVariants": [VARIANT]}

    assert "no ExecutionRoleArn" in account.refusal("CreateEndpointConfig", **configuration)
    resource = {"Type": "AWS::SageMaker::EndpointConfig", "Properties": {"ProductionVariants": [VARIANT]}}
    assert [found.rule for found in check({"Resources": {"Config": resource}}).problems] == ["role-missing"]


def test_a_request_that_breaks_no_rule_is_taken_and_the_check_finds_nothing(serving: Account) -> None:
    serving("CreateInferenceComponent", **request({}))

    assert rules_broken_in_a_template(request({})) == set()


def test_the_words_of_aws_are_used_where_a_rule_quotes_them(serving: Account) -> None:
    with pytest.raises(ServiceError) as refused:
        serving("CreateInferenceComponent", **request({"RuntimeConfig": {"CopyCount": 0}}))

    (evidence,) = refused.value.evidence
    assert refused.value.message == "Inference components copy count an integer larger than 0"
    assert (evidence.kind, evidence.source) == (Kind.QUOTED, "stdapi-ai/stdapi.ai issue 43")


def test_every_broken_rule_of_a_request_is_named_at_once(serving: Account) -> None:
    refusal = serving.refusal(
        "CreateInferenceComponent", **request({"RuntimeConfig": {"CopyCount": 0}, "VariantName": "Other"})
    )

    assert "copy count an integer larger than 0" in refusal
    assert "VariantName='Other'" in refusal


def test_components_that_are_there_are_not_judged_again(serving: Account) -> None:
    serving.service.hosting.components["base"].desired = 0

    serving("CreateInferenceComponent", **request({}))


def test_copies_that_do_not_fit_are_taken_and_fail_when_they_are_placed(serving: Account) -> None:
    serving(
        "CreateInferenceComponent",
        **request({"Specification": specification(accelerators=8), "RuntimeConfig": {"CopyCount": 3}}),
    )
    serving.wait(5_000)

    assert "not enough hardware" in serving.component()["FailureReason"]
