"""Each rule, broken once: which finding, on which resource, with which numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import botocore.session
import pytest

from replicas.endpoint.values import text_of
from replicas.errors import ProofError
from replicas.rules import RULES, Message, check
from tests.rules.base import (
    HUGGINGFACE_VLLM,
    VLLM,
    Template,
    claims_of,
    component,
    container_of,
    good,
    only_problem,
    only_warning,
    properties_of,
    rules,
    single_model,
    variant_of,
)

TOKEN = "hf_" + "a1B2c3D4e5F6g7H8"


def test_a_good_template_has_no_findings() -> None:
    report = check(good())

    assert (report.problems, report.warnings, report.unresolved) == ((), (), ())


def test_a_single_model_endpoint_is_judged_by_none_of_the_rules_for_components() -> None:
    template = single_model()
    del properties_of(template, "Config")["ExecutionRoleArn"]

    report = check(template)

    assert (report.problems, report.warnings, report.unresolved) == ((), (), ())
    assert report.endpoints[0].components == ()


# Claims


@pytest.mark.parametrize("accelerators", [0, 0.5, "1.5", -1])
def test_accelerators_are_whole(accelerators: object) -> None:
    template = good()
    claims_of(template)["NumberOfAcceleratorDevicesRequired"] = accelerators
    container_of(template)["Environment"] = {}

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("accelerators-not-whole", "Llama")
    assert f"={float(str(accelerators)):g}" in problem.what
    (endpoint,) = check(template).endpoints
    assert (endpoint.components[0].accelerators, endpoint.placement) == (None, None)


@pytest.mark.parametrize(
    ("key", "value"),
    [("NumberOfCpuCoresRequired", 0.1), ("MinMemoryRequiredInMb", 64)],
)
def test_claims_below_what_sagemaker_takes(key: str, value: float) -> None:
    template = good()
    claims_of(template)[key] = value

    problem = only_problem(template)

    assert problem.rule == "claim-too-small"
    assert problem.what == f"{key}={value:g}"


def test_accelerators_on_a_cpu_instance() -> None:
    template = good()
    variant_of(template)["InstanceType"] = "ml.c5.4xlarge"

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("accelerators-on-cpu", "Llama")
    assert "1 on ml.c5.4xlarge" in problem.what


def test_no_accelerators_for_a_gpu_image_is_a_warning() -> None:
    template = good()
    del claims_of(template)["NumberOfAcceleratorDevicesRequired"]

    warning = only_warning(template)

    assert warning.rule == "accelerators-missing"
    assert "huggingface-pytorch-tgi-inference" in warning.what


def test_no_accelerators_for_an_image_of_another_kind_is_fine() -> None:
    template = good()
    container_of(template)["Image"] = "1.dkr.ecr.us-east-1.amazonaws.com/sklearn:1"
    del claims_of(template)["NumberOfAcceleratorDevicesRequired"]

    assert not check(template).warnings


def test_memory_is_required() -> None:
    template = good()
    del claims_of(template)["MinMemoryRequiredInMb"]

    assert only_problem(template).rule == "memory-missing"


@pytest.mark.parametrize("missing", ["ComputeResourceRequirements", "Specification"])
def test_a_base_component_claims_something(missing: str) -> None:
    template = good()
    properties = properties_of(template, "Llama")
    del (properties if missing == "Specification" else properties["Specification"])[missing]

    assert only_problem(template).rule == "claims-missing"


# Copies, variants, names


@pytest.mark.parametrize(
    ("copies", "reason"),
    [
        ("1_0", "the value is not a number"),
        ("１０", "the value is not a number"),
        (1.00001, "the value is not a whole number"),
        (True, "the value is not a number"),
        ("9" * 20, "the value is larger than any number that AWS accepts"),
    ],
)
def test_a_number_of_copies_that_cloudformation_refuses(copies: object, reason: str) -> None:
    template = good()
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = copies

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("number-refused", "Llama")
    assert problem.what == f"CopyCount={text_of(copies)}: {reason}"
    assert check(template).unjudged == ()


def test_a_number_in_a_form_that_no_source_describes_is_not_judged() -> None:
    template = good()
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = "1e2"

    report = check(template)

    assert report.problems == ()
    assert [question.why for question in report.unjudged] == [
        "CopyCount is not known: no source documents whether CloudFormation accepts '1e2' as a number"
    ]


@pytest.mark.parametrize("copies", [0, "0", -1])
def test_a_component_starts_with_one_copy_or_more(copies: object) -> None:
    template = good()
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = copies

    assert only_problem(template).rule == "copies-below-one"


@pytest.mark.parametrize("runtime", [{}, None])
def test_a_component_says_how_many_copies(runtime: object) -> None:
    template = good()
    properties_of(template, "Llama")["RuntimeConfig"] = runtime
    if runtime is None:
        del properties_of(template, "Llama")["RuntimeConfig"]

    assert only_problem(template).rule == "copies-missing"


def test_an_adapter_needs_no_claims_no_copies_and_no_variant() -> None:
    template = good()
    template["Resources"]["Adapter"] = {
        "Type": "AWS::SageMaker::InferenceComponent",
        "Properties": {
            "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
            "Specification": {"BaseInferenceComponentName": "base", "Container": {"ArtifactUrl": "s3://bucket/a/"}},
        },
    }

    report = check(template)

    assert (report.problems, report.warnings) == ((), ())
    assert [placed.logical_id for placed in report.endpoints[0].components] == ["Llama"]


def test_a_base_component_without_variant_is_a_warning_and_placed_on_the_only_one() -> None:
    template = good()
    del properties_of(template, "Llama")["VariantName"]

    assert only_warning(template).rule == "variant-missing"
    assert check(template).endpoints[0].placement == ({"Llama": 8},)


def test_a_variant_that_the_endpoint_does_not_have() -> None:
    template = good()
    properties_of(template, "Llama")["VariantName"] = "Other"

    problem = only_problem(template)

    assert problem.rule == "variant-unknown"
    assert problem.what == "VariantName='Other', but the endpoint has 'AllTraffic'"
    assert problem.fix == "set VariantName='AllTraffic'"


def test_two_components_with_one_name() -> None:
    template = good()
    template["Resources"]["Llama"] = component(copies=4)
    template["Resources"]["Mistral"] = component(copies=4)
    for logical_id in ("Llama", "Mistral"):
        properties_of(template, logical_id)["InferenceComponentName"] = "chat"

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("name-taken", "Mistral")
    assert "'chat' is also the name of Llama" in problem.what


def test_two_components_with_one_name_that_may_never_exist_together() -> None:
    template = good()
    template["Parameters"] = {"Stage": {"Type": "String"}}
    template["Conditions"] = {"IsProduction": {"Fn::Equals": [{"Ref": "Stage"}, "production"]}}
    template["Conditions"]["IsTest"] = {"Fn::Not": [{"Condition": "IsProduction"}]}
    for logical_id, condition in (("Llama", "IsProduction"), ("Mistral", "IsTest")):
        template["Resources"][logical_id] = {**component(), "Condition": condition}
        properties_of(template, logical_id)["InferenceComponentName"] = "chat"

    assert not check(template).problems


# Configs and models


def test_a_config_with_components_needs_a_role() -> None:
    template = good()
    del properties_of(template, "Config")["ExecutionRoleArn"]

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("role-missing", "Config")


def test_a_variant_with_components_names_no_model() -> None:
    template = good()
    variant_of(template)["ModelName"] = {"Fn::GetAtt": ["Model", "ModelName"]}

    assert only_problem(template).rule == "model-on-variant"


def test_a_variant_with_a_model_of_its_own_keeps_an_instance() -> None:
    """hashicorp/terraform-provider-aws pull request 45926: AWS refused 0 instances, and took 1 as the fewest."""
    template = good()
    for logical_id, body in list(template["Resources"].items()):
        if body["Type"] not in ("AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig", "AWS::IAM::Role"):
            del template["Resources"][logical_id]
    variant = variant_of(template)
    variant["ModelName"] = {"Fn::GetAtt": ["Model", "ModelName"]}
    variant["ManagedInstanceScaling"] = {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}

    assert only_problem(template).rule == "zero-instances-with-model"
    variant["ManagedInstanceScaling"]["MinInstanceCount"] = 1
    assert not check(template).problems


def test_an_initial_variant_weight_is_fine() -> None:
    template = good()
    variant_of(template)["InitialVariantWeight"] = 1

    assert not check(template).problems


@pytest.mark.parametrize(
    ("logical_id", "key"), [("Model", "ModelName"), ("Config", "EndpointConfigName")], ids=["model", "config"]
)
@pytest.mark.parametrize("name", ["llama", {"Fn::Sub": "${AWS::StackName}-llama"}], ids=["literal", "stack name"])
def test_a_fixed_name_collides(logical_id: str, key: str, name: object) -> None:
    template = good()
    properties_of(template, logical_id)[key] = name

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("fixed-name", logical_id)
    assert "CloudFormation creates the new one while" in problem.why


def test_a_name_that_is_given_at_each_deployment_is_not_fixed() -> None:
    template = good()
    template["Parameters"] = {"Commit": {"Type": "String"}}
    properties_of(template, "Model")["ModelName"] = {"Fn::Sub": "llama-${Commit}"}

    assert not check(template).problems


def test_a_fixed_name_of_an_endpoint_is_fine() -> None:
    template = good()
    properties_of(template, "Endpoint")["EndpointName"] = "llama"

    assert not check(template).problems


@pytest.mark.parametrize(
    ("initial", "fewest"), [(3, 1), (1, 3)], ids=["below InitialInstanceCount", "below MinInstanceCount"]
)
def test_a_range_of_instances_that_is_none(initial: int, fewest: int) -> None:
    template = good()
    variant_of(template)["InitialInstanceCount"] = initial
    variant_of(template)["ManagedInstanceScaling"] = {
        "Status": "ENABLED",
        "MinInstanceCount": fewest,
        "MaxInstanceCount": 2,
    }

    problem = only_problem(template)

    assert problem.rule == "scaling-range"
    assert "MaxInstanceCount=2 is less than" in problem.what


def test_a_range_of_one_number_is_fine() -> None:
    template = good()
    variant_of(template)["ManagedInstanceScaling"] = {"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 1}

    assert not check(template).problems


def test_a_range_that_is_not_in_use_is_not_judged() -> None:
    template = good()
    variant_of(template)["InitialInstanceCount"] = 3
    variant_of(template)["ManagedInstanceScaling"] = {"Status": "DISABLED", "MaxInstanceCount": 2}

    assert not check(template).problems


@pytest.mark.parametrize(("seconds", "nearest"), [(59, 60), (3601, 3600)])
def test_a_startup_timeout_out_of_range(seconds: int, nearest: int) -> None:
    template = good()
    properties_of(template, "Llama")["Specification"]["StartupParameters"] = {
        "ContainerStartupHealthCheckTimeoutInSeconds": seconds,
        "ModelDataDownloadTimeoutInSeconds": 3600,
    }

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("startup-timeout", "Llama")
    assert problem.fix == f"set ContainerStartupHealthCheckTimeoutInSeconds={nearest}"


def test_a_download_timeout_of_a_single_model_endpoint() -> None:
    template = single_model()
    variant_of(template)["ModelDataDownloadTimeoutInSeconds"] = 7200

    assert only_problem(template).logical_id == "Config"


# Containers


def test_sm_num_gpus_differs_from_the_accelerators() -> None:
    template = good()
    container_of(template)["Environment"]["SM_NUM_GPUS"] = 4

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("tensor-parallel-mismatch", "Llama")
    assert problem.what == "SM_NUM_GPUS=4, NumberOfAcceleratorDevicesRequired=1"
    assert problem.fix == "set SM_NUM_GPUS=1"


@pytest.mark.parametrize("name", ["SM_VLLM_TENSOR_PARALLEL_SIZE", "OPTION_TENSOR_PARALLEL_DEGREE", "SM_NUM_GPUS"])
def test_a_degree_in_an_image_of_ones_own(name: str) -> None:
    template = good()
    container_of(template).update(Image="1.dkr.ecr.us-east-1.amazonaws.com/mine:1", Environment={name: "2"})

    assert only_problem(template).rule == "tensor-parallel-mismatch"


def test_lmi_takes_what_there_is() -> None:
    template = good()
    container_of(template).update(
        Image="1.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.35.0-lmi17.0.0-cu128",
        Environment={"OPTION_TENSOR_PARALLEL_DEGREE": "max"},
    )

    assert not check(template).problems


def test_the_environment_of_the_component_goes_over_that_of_the_model() -> None:
    template = good()
    properties_of(template, "Llama")["Specification"]["Container"] = {"Environment": {"SM_NUM_GPUS": "2"}}

    assert "SM_NUM_GPUS=2" in only_problem(template).what


def two_accelerators_for(image: str, environment: dict[str, str]) -> Template:
    template = good()
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = 1
    claims_of(template)["NumberOfAcceleratorDevicesRequired"] = 2
    container_of(template).update(Image=image, Environment=environment)
    variant_of(template)["InferenceAmiVersion"] = "al2023-ami-sagemaker-inference-gpu-4-1"
    return template


def test_vllm_is_told_its_degree() -> None:
    problem = only_problem(two_accelerators_for(VLLM, {"SM_NUM_GPUS": "2"}))

    assert problem.rule == "tensor-parallel-missing"
    assert "SM_NUM_GPUS is not read by this image" in problem.what
    assert "1 of 2 accelerators of each copy are idle" in problem.why
    assert problem.fix == "set SM_VLLM_TENSOR_PARALLEL_SIZE=2"


@pytest.mark.parametrize(
    "environment",
    [
        {"SM_VLLM_TENSOR_PARALLEL_SIZE": "2"},
        {"SM_VLLM_DATA_PARALLEL_SIZE": "2"},
        {"SM_VLLM_TENSOR_PARALLEL_SIZE": "1", "SM_VLLM_PIPELINE_PARALLEL_SIZE": "2"},
    ],
)
def test_vllm_uses_the_product_of_its_degrees(environment: dict[str, str]) -> None:
    assert not check(two_accelerators_for(VLLM, environment)).problems


def test_a_degree_in_an_environment_that_is_not_known_is_not_missing() -> None:
    template = two_accelerators_for(VLLM, {})
    container_of(template)["Environment"] = {"Fn::Transform": {"Name": "AWS::Include"}}

    assert not check(template).problems


def eight_copies_with_cache(environment: dict[str, str]) -> Template:
    template = good()
    container_of(template).update(Image=HUGGINGFACE_VLLM, Environment=environment)
    return template


def test_lmcache_takes_half_of_the_memory_for_each_copy() -> None:
    problem = only_problem(eight_copies_with_cache({}))

    assert (problem.rule, problem.logical_id) == ("lmcache-per-copy", "Llama")
    assert "8 copies" in problem.what
    assert "400 % together" in problem.why
    assert problem.fix == "set HF_ENABLE_LMCACHE=0, or HF_LMCACHE_CPU_FRACTION=0.062 or less"


@pytest.mark.parametrize("environment", [{"HF_ENABLE_LMCACHE": "0"}, {"HF_LMCACHE_CPU_FRACTION": "0.05"}])
def test_lmcache_off_or_small_is_fine(environment: dict[str, str]) -> None:
    assert not check(eight_copies_with_cache(environment)).problems


def test_lmcache_with_one_copy_is_fine() -> None:
    template = eight_copies_with_cache({})
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = 1

    report = check(template)

    assert (report.problems, report.warnings) == ((), ())


def test_lmcache_with_an_instance_for_each_copy_is_a_warning() -> None:
    template = eight_copies_with_cache({})
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = 2
    variant_of(template)["InitialInstanceCount"] = 2

    assert only_warning(template).rule == "lmcache-per-copy"


def test_lmcache_of_two_components_with_a_copy_each() -> None:
    template = eight_copies_with_cache({})
    template["Resources"].update(Llama=component(copies=1), Other=component(copies=1))

    assert rules(check(template)) == ["lmcache-per-copy", "lmcache-per-copy"]


@pytest.mark.parametrize("given", [None, "al2-ami-sagemaker-inference-gpu-3-1", "al2-ami-sagemaker-inference-gpu-2"])
def test_cuda_13_on_an_old_driver(given: str | None) -> None:
    template = two_accelerators_for(VLLM, {"SM_VLLM_TENSOR_PARALLEL_SIZE": "2"})
    del variant_of(template)["InferenceAmiVersion"]
    if given is not None:
        variant_of(template)["InferenceAmiVersion"] = given

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("ami-too-old", "Config")
    assert "writes no log" in problem.why
    assert problem.fix == "set InferenceAmiVersion=al2023-ami-sagemaker-inference-gpu-4-1"


def test_cuda_13_on_a_family_with_a_newer_default() -> None:
    template = two_accelerators_for(VLLM, {"SM_VLLM_TENSOR_PARALLEL_SIZE": "2"})
    variant_of(template)["InstanceType"] = "ml.g7e.48xlarge"
    del variant_of(template)["InferenceAmiVersion"]

    assert not check(template).problems


def test_cuda_13_on_a_single_model_endpoint() -> None:
    template = single_model()
    container_of(template)["Image"] = VLLM

    assert only_problem(template).rule == "ami-too-old"


def test_the_tag_is_read_where_only_account_and_region_are_open() -> None:
    """As `ContainerImage.from_dlc` writes it into a stack without a region."""
    template = single_model()
    template["Mappings"] = {"Accounts": {"us-east-1": {"account": "763104351884"}}}
    account = {"Fn::FindInMap": ["Accounts", {"Ref": "AWS::Region"}, "account"]}
    host = [account, ".dkr.ecr.", {"Ref": "AWS::Region"}, ".", {"Ref": "AWS::URLSuffix"}]
    container_of(template)["Image"] = {"Fn::Join": ["", [*host, "/" + VLLM.partition("/")[2]]]}

    assert only_problem(template).rule == "ami-too-old"


def test_two_endpoints_have_different_names() -> None:
    """botocore 1.44.5, CreateEndpoint, EndpointName: unique, 'case-insensitive in CreateEndpoint'."""
    template = good()
    properties_of(template, "Endpoint")["EndpointName"] = "chat"
    second = {"EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]}, "EndpointName": "Chat"}
    template["Resources"]["Second"] = {"Type": "AWS::SageMaker::Endpoint", "Properties": second}

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("name-taken", "Second")


def test_a_model_that_a_variant_serves_itself_has_no_more_than_its_accelerators() -> None:
    """Given 8 accelerators (ml.p4d.24xlarge), when the engine is to use 16, it does not start."""
    template = single_model()
    container_of(template)["Environment"]["SM_NUM_GPUS"] = "16"

    assert only_problem(template).rule == "tensor-parallel-mismatch"
    container_of(template)["Environment"]["SM_NUM_GPUS"] = "8"
    assert not check(template).problems


def test_an_environment_of_a_component_takes_16_entries() -> None:
    template = good()
    own = {"Image": "1.dkr.ecr.us-east-1.amazonaws.com/mine:1", "Environment": {f"KEY_{n}": "1" for n in range(17)}}
    properties_of(template, "Llama")["Specification"]["Container"] = own

    problem = only_problem(template)

    assert problem.rule == "environment-too-large"
    assert "17 entries" in problem.what


def test_an_environment_of_a_model_takes_more_than_16() -> None:
    template = good()
    container_of(template)["Environment"].update({f"KEY_{n}": "1" for n in range(17)})

    assert not check(template).problems


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({f"KEY_{n}": "1" for n in range(99)}, "Environment has 101 entries"),
        ({f"KEY_{n}": "é" * 500 for n in range(33)}, "Environment has 33"),
    ],
    ids=["entries", "bytes"],
)
def test_an_environment_of_a_model_takes_100_entries_and_32_kb(variables: dict[str, str], sentence: str) -> None:
    """botocore 1.44.5: EnvironmentMap has at most 100 entries; ContainerDefinition, Environment: 32 KB together."""
    template = good()
    container_of(template)["Environment"].update(variables)

    problem = only_problem(template)

    assert problem.rule == "environment-too-large"
    assert sentence in problem.what
    container_of(template)["Environment"].popitem()
    container_of(template)["Environment"].popitem()
    assert not check(template).problems


def test_of_more_variables_than_sagemaker_takes_the_names_of_the_first_are_judged() -> None:
    """A template has at most 1 MB, and may hold thousands of names."""
    template = good()
    container_of(template)["Environment"] = {f"MY-KEY-{n}": "1" for n in range(2000)}

    assert rules(check(template)).count("environment-name") == 100


@pytest.mark.parametrize("name", ["my-key", "1KEY", "KEY.A", "KÉY", ""])
def test_a_variable_of_a_model_has_an_identifier_as_its_name(name: str) -> None:
    """botocore 1.44.5, EnvironmentKey: [a-zA-Z_][a-zA-Z0-9_]*."""
    template = good()
    container_of(template)["Environment"][name] = "1"

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("environment-name", "Model")


@pytest.mark.parametrize(
    ("value", "given"), [({"a": 1}, "an object"), (["a"], "a list"), ({"Fn::Split": [",", "a,b"]}, "a list")]
)
def test_a_variable_whose_value_is_no_text(value: Any, given: str) -> None:
    """botocore says that the values of CreateModel's Environment are strings."""
    shape = botocore.session.get_session().get_service_model("sagemaker").shape_for("EnvironmentMap")
    assert shape.value.type_name == "string"
    template = good()
    container_of(template)["Environment"]["SETTINGS"] = value

    (problem,) = [problem for problem in check(template).problems if problem.rule == "environment-not-text"]

    assert problem.what == f"the value of SETTINGS in Environment is {given}"


@pytest.mark.parametrize(
    ("uri", "kind", "compression", "certain"),
    [
        ("s3://bucket/m/", "S3Prefix", "None", None),
        ("s3://bucket/m", "S3Prefix", "None", True),
        ({"Fn::Sub": "s3://bucket/${AWS::Region}"}, "S3Prefix", "None", None),
        ("s3://bucket/m.tar.gz", "S3Prefix", "Gzip", None),
        ("s3://bucket/m.tar.gz", "S3Object", "Gzip", None),
        ("s3://bucket/m/", "S3Object", "None", True),
        ("s3://bucket/m.tar.gz", "S3Object", "None", False),
    ],
)
def test_the_location_of_weights_has_the_form_of_its_type(
    uri: Any, kind: str, compression: str, certain: bool | None
) -> None:
    """SageMaker API reference, S3ModelDataSource: a prefix 'always ends with a forward slash (/)'."""
    template = good()
    source = {"S3Uri": uri, "S3DataType": kind, "CompressionType": compression}
    container_of(template)["ModelDataSource"] = {"S3DataSource": source}
    report = check(template)

    found = [each for each in (*report.problems, *report.warnings) if each.rule == "weights-location"]

    assert [each.certain for each in found] == ([] if certain is None else [certain])


def test_a_value_takes_1024_characters() -> None:
    template = good()
    container_of(template)["Environment"]["TEMPLATE"] = "x" * 1025

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("environment-value-too-long", "Model")
    assert "1025 characters" in problem.what


# Rights and secrets


def only_finding(template: Template) -> tuple[str, Message]:
    report = check(template)
    findings = [("problem", found) for found in report.problems] + [("warning", found) for found in report.warnings]
    (finding,) = findings
    return finding


@pytest.mark.parametrize(
    ("name", "severity"),
    [
        ("AmazonSageMakerFullAccess", "warning"),
        ("AmazonS3FullAccess", "warning"),
        ("IAMFullAccess", "problem"),
        ("PowerUserAccess", "problem"),
        ("AdministratorAccess", "problem"),
    ],
)
@pytest.mark.parametrize("written", ["literal", "joined"])
def test_a_role_with_a_wide_managed_policy(name: str, severity: str, written: str) -> None:
    template = good()
    joined = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, f":iam::aws:policy/{name}"]]}
    properties_of(template, "Role")["ManagedPolicyArns"] = [
        f"arn:aws:iam::aws:policy/{name}" if written == "literal" else joined
    ]

    found, finding = only_finding(template)

    assert (found, finding.rule, finding.logical_id) == (severity, "role-too-wide", "Role")
    assert name in finding.what


def statement(action: Any, resource: Any = "*") -> Template:
    return {
        "PolicyName": "p",
        "PolicyDocument": {"Statement": {"Effect": "Allow", "Action": action, "Resource": resource}},
    }


@pytest.mark.parametrize(
    ("action", "severity"),
    [
        ("*", "problem"),
        ("iam:*", "problem"),
        ("sagemaker:*", "warning"),
        ("SageMaker:*", "warning"),
        (["logs:PutLogEvents", "s3:*"], "warning"),
    ],
)
def test_a_role_with_a_statement_for_everything(action: object, severity: str) -> None:
    template = good()
    properties_of(template, "Role")["Policies"].append(statement(action))

    found, finding = only_finding(template)

    assert (found, finding.rule) == (severity, "role-too-wide")


def test_a_role_with_a_policy_of_its_own_for_everything() -> None:
    """As the CDK writes it."""
    template = good()
    template["Resources"]["DefaultPolicy"] = {
        "Type": "AWS::IAM::Policy",
        "Properties": {**statement("s3:*", ["*"]), "Roles": [{"Ref": "Role"}]},
    }

    found, finding = only_finding(template)

    assert (found, finding.rule, finding.logical_id) == ("warning", "role-too-wide", "Role")


@pytest.mark.parametrize(
    "narrow", [statement("s3:*", "arn:aws:s3:::weights/*"), statement(["s3:GetObject", "ecr:GetAuthorizationToken"])]
)
def test_a_role_with_less_than_everything_is_fine(narrow: Template) -> None:
    template = good()
    properties_of(template, "Role")["Policies"].append(narrow)

    report = check(template)

    assert (report.problems, report.warnings) == ((), ())


def test_a_role_of_something_else_is_not_judged() -> None:
    template = good()
    template["Resources"]["Other"] = {"Type": "AWS::IAM::Role", "Properties": {"Policies": [statement("*")]}}

    assert not check(template).problems


def token_in_environment(template: Template) -> str:
    container_of(template)["Environment"]["HF_TOKEN"] = TOKEN
    return "Model"


def token_in_a_text(template: Template) -> str:
    container_of(template)["Environment"]["CLONE"] = {
        "Fn::Sub": f"https://user:{TOKEN}@huggingface.co/${{AWS::Region}}"
    }
    return "Model"


def token_in_default(template: Template) -> str:
    template["Parameters"] = {"HubToken": {"Type": "String", "NoEcho": True, "Default": TOKEN}}
    return "HubToken"


def token_in_a_function(template: Template) -> str:
    template["Resources"]["Fetch"] = {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Environment": {"Variables": {"TOKEN": TOKEN}}},
    }
    return "Fetch"


@pytest.mark.parametrize("put", [token_in_environment, token_in_a_text, token_in_default, token_in_a_function])
def test_a_token_is_found_and_not_repeated(put: Callable[[Template], str]) -> None:
    template = good()
    logical_id = put(template)

    problem = only_problem(template)

    assert (problem.rule, problem.logical_id) == ("token-in-template", logical_id)
    assert TOKEN[3:] not in str(check(template).to_document())


@pytest.mark.parametrize(
    "value",
    [
        "{{resolve:secretsmanager:hf_production1:SecretString:::}}",
        "s3://bucket/hf_pretrained/",
        "hf_short",
        "myhf_abcdefghij",
    ],
)
def test_what_is_no_token(value: str) -> None:
    template = good()
    container_of(template)["Environment"]["SOMETHING"] = value

    assert not check(template).problems


# All together


def test_several_faults_are_all_reported_in_order() -> None:
    template = good()
    properties_of(template, "Model")["ModelName"] = "llama"
    del properties_of(template, "Config")["ExecutionRoleArn"]
    properties_of(template, "Llama")["RuntimeConfig"]["CopyCount"] = 16
    container_of(template)["Environment"].update(SM_NUM_GPUS="2", HF_TOKEN=TOKEN)

    found = [(problem.logical_id, problem.rule) for problem in check(template).problems]

    assert found == [
        ("Config", "role-missing"),
        ("Endpoint", "over-committed"),
        ("Llama", "tensor-parallel-mismatch"),
        ("Model", "fixed-name"),
        ("Model", "token-in-template"),
    ]


def test_every_rule_of_the_list_is_tested_and_every_tested_rule_is_in_the_list() -> None:
    from pathlib import Path

    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))

    assert set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', tests)) & set(RULES) == set(RULES)


@pytest.mark.parametrize(
    ("statement", "severity"),
    [
        ({"Effect": "Allow", "NotAction": ["iam:*"], "Resource": "*"}, "problem"),
        ({"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*"}, "warning"),
    ],
    ids=["NotAction", "every bucket"],
)
def test_other_ways_to_write_everything_are_wide(statement: dict[str, Any], severity: str) -> None:
    template = good()
    document = {"Version": "2012-10-17", "Statement": [statement]}
    properties_of(template, "Role")["Policies"].append({"PolicyName": "wide", "PolicyDocument": document})

    found, finding = only_finding(template)

    assert (found, finding.rule) == (severity, "role-too-wide")


def test_a_token_in_an_output_is_found() -> None:
    template = good()
    template["Outputs"] = {"Token": {"Value": "hf_" + "a" * 20}}

    assert only_problem(template).rule == "token-in-template"


def test_a_region_without_inference_components_is_a_problem() -> None:
    found = {problem.rule: problem.what for problem in check(good(), region="eu-west-3").problems}

    assert set(found) == {"region-without-components", "region-without-instance", "image-in-other-region"}
    assert "in eu-west-3" in found["region-without-components"]


def test_a_region_that_has_everything_is_none() -> None:
    template = good()
    container_of(template)["Image"] = container_of(template)["Image"].replace("us-east-1", "us-west-2")

    assert check(template, region="us-west-2").problems == ()


def test_a_region_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ProofError, match="unknown region 'narnia'"):
        check(good(), region="narnia")
