"""The memory of a template's copies: what is a problem, what a warning, and what is not judged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas.endpoint.topology import Topology
from replicas.errors import ProofError, SizingError
from replicas.names import CopyTarget
from replicas.planning.planner import plan
from replicas.rules import Message, Report, check, check_practice, served
from replicas.rules.places import Place
from replicas.rules.recognition import request_of
from tests.planning.build import deployment
from tests.rules.base import Template, component, good, properties_of, target, variant_of

DLC = "763104351884.dkr.ecr.us-west-2.amazonaws.com"
VLLM = f"{DLC}/huggingface-vllm:0.29.0-transformers5.15.0-gpu-py312-cu130-ubuntu24.04-v1.0"
VLLM_OF_AWS = f"{DLC}/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker"
TGI_2 = f"{DLC}/huggingface-pytorch-tgi-inference:2.4.0-tgi2.4.0-gpu-py311-cu124-ubuntu22.04"
TGI_1 = f"{DLC}/huggingface-pytorch-tgi-inference:2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
LLAMA_8B = "NousResearch/Meta-Llama-3.1-8B-Instruct"
LLAMA_13B = "NousResearch/Llama-2-13b-chat-hf"
LLAMA_70B = "NousResearch/Meta-Llama-3.1-70B-Instruct"
OFF = {"HF_ENABLE_LMCACHE": "0"}


def template_of(
    image: Any = VLLM,
    environment: dict[str, Any] | None = None,
    *,
    instance_type: str = "ml.g6e.xlarge",
    accelerators: Any = 1,
    **container: Any,
) -> Template:
    """One copy of a container on one instance."""
    template = good()
    variant = variant_of(template)
    variant["InstanceType"] = instance_type
    variant["InferenceAmiVersion"] = "al2023-ami-sagemaker-inference-gpu-4-1"
    template["Resources"]["Llama"] = component(copies=1, accelerators=accelerators, cpus=1, memory=1024)
    properties_of(template, "Model")["PrimaryContainer"] = {
        "Image": image,
        "Environment": {**OFF, **(environment or {})},
        **container,
    }
    return template


def of_memory(report: Report) -> list[Message]:
    """Findings of the rules about memory, problems first."""
    rules = {"copy-without-memory", "lengths-of-requests", "engine-without-model", "gated-without-token"}
    return [finding for finding in (*report.problems, *report.warnings) if finding.rule in rules]


def only(report: Report) -> Message:
    (finding,) = of_memory(report)
    return finding


def why_not_judged(report: Report) -> str:
    (question,) = [question for question in report.unjudged if question.question == "memory"]
    return question.why


# Judged and fine


@pytest.mark.parametrize(
    ("image", "environment"),
    [
        (VLLM, {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MAX_MODEL_LEN": "8192"}),
        (VLLM, {"HF_MODEL_ID": LLAMA_8B, "SM_VLLM_MAX_MODEL_LEN": "8k"}),
        (VLLM_OF_AWS, {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_DTYPE": "bfloat16"}),
        (VLLM.replace("763104351884", "123456789012"), {"SM_VLLM_MODEL": LLAMA_8B}),
        (VLLM + "@sha256:" + "0" * 64, {"SM_VLLM_MODEL": LLAMA_8B}),
        ({"Fn::Sub": VLLM.replace("763104351884", "${AWS::AccountId}")}, {"SM_VLLM_MODEL": LLAMA_8B}),
        (TGI_2, {"HF_MODEL_ID": LLAMA_13B, "MAX_INPUT_LENGTH": "2048", "MAX_TOTAL_TOKENS": "4096"}),
        (TGI_1, {"HF_MODEL_ID": LLAMA_13B}),
        (VLLM, {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MM_PROCESSOR_CACHE_GB": "4", "VLLM_LOGGING_LEVEL": "DEBUG"}),
        (VLLM, {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_SERVED_MODEL_NAME": {"Ref": "AWS::StackName"}}),
    ],
)
def test_a_recognised_container_that_fits_is_judged_without_a_finding(image: Any, environment: dict[str, Any]) -> None:
    report = check(template_of(image, environment))
    assert of_memory(report) == []
    assert report.unjudged == ()


# Problems


def test_weights_that_do_not_fit_are_a_problem_with_the_numbers() -> None:
    """70.6 billion parameters of two bytes are 131.4 GiB; an A10G has 22.4."""
    problem = only(check(template_of(environment={"SM_VLLM_MODEL": LLAMA_70B}, instance_type="ml.g5.2xlarge")))
    assert problem.rule == "copy-without-memory"
    assert problem.certain
    assert "131.4 of weights" in problem.what
    assert problem.fix


def test_the_engines_own_length_counts_where_none_is_given() -> None:
    """Llama 3.1 was made for 131,072 tokens: 16 GiB of cache beside 15 of weights, and vLLM does not start without."""
    problem = only(check(template_of(environment={"SM_VLLM_MODEL": LLAMA_8B}, instance_type="ml.g5.2xlarge")))
    assert "131,072 tokens of KV cache" in problem.what
    assert "SM_VLLM_MAX_MODEL_LEN=" in problem.fix
    given = {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MAX_MODEL_LEN": "8192"}
    assert of_memory(check(template_of(environment=given, instance_type="ml.g5.2xlarge"))) == []


@pytest.mark.parametrize(
    ("image", "environment", "settings", "rule", "words"),
    [
        (
            VLLM,
            {"SM_VLLM_MODEL": "Qwen/Qwen2.5-7B-Instruct", "SM_VLLM_TENSOR_PARALLEL_SIZE": "8"},
            {"instance_type": "ml.p4d.24xlarge", "accelerators": 8},
            "copy-without-memory",
            "SM_VLLM_TENSOR_PARALLEL_SIZE=8 does not split Qwen/Qwen2.5-7B-Instruct (28 attention heads",
        ),
        (
            VLLM,
            {"SM_VLLM_MODEL": "Qwen/Qwen3-8B", "SM_VLLM_MAX_MODEL_LEN": "131072"},
            {},
            "lengths-of-requests",
            "SM_VLLM_MAX_MODEL_LEN=131072: Qwen/Qwen3-8B has a context of 40960 tokens",
        ),
        (
            TGI_2,
            {"HF_MODEL_ID": LLAMA_13B, "MAX_INPUT_TOKENS": "2000", "MAX_TOTAL_TOKENS": "2000"},
            {},
            "lengths-of-requests",
            "MAX_INPUT_TOKENS=2000 leaves no room for an answer in MAX_TOTAL_TOKENS=2000",
        ),
        (
            TGI_2,
            {
                "HF_MODEL_ID": LLAMA_13B,
                "MAX_INPUT_LENGTH": "3000",
                "MAX_TOTAL_TOKENS": "4000",
                "MAX_BATCH_PREFILL_TOKENS": "2048",
            },
            {},
            "copy-without-memory",
            "MAX_BATCH_PREFILL_TOKENS=2048: tgi-2.4.0 cannot split a prompt",
        ),
        (
            VLLM,
            {"SM_VLLM_MODEL": "Qwen/Qwen3-8B", "SM_VLLM_MAX_NUM_BATCHED_TOKENS": "64", "SM_VLLM_MAX_NUM_SEQS": "65"},
            {},
            "copy-without-memory",
            "SM_VLLM_MAX_NUM_SEQS=65 is more than SM_VLLM_MAX_NUM_BATCHED_TOKENS=64",
        ),
        (TGI_2, {"HF_MODEL_ID": "Qwen/Qwen3-8B"}, {}, "engine-without-model", "does not serve the model family"),
        (
            TGI_1,
            {"HF_MODEL_ID": LLAMA_13B, "HF_MODEL_QUANTIZE": "fp8"},
            {},
            "engine-without-model",
            "does not run",
        ),
        (
            TGI_1.replace("2.0.1-tgi1.1.0", "2.1.1-tgi2.0.2"),
            {"HF_MODEL_ID": LLAMA_8B},
            {},
            "engine-without-model",  # transformers before 4.43.0 refuses its rope_scaling, which has six fields
            "tgi-2.0.2 does not read rope_scaling of the type 'llama3'",
        ),
        (VLLM, {"SM_VLLM_MODEL": "google/flan-t5-xxl"}, {}, "engine-without-model", "does not serve google/flan-t5"),
        (
            VLLM,
            {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_QUANTIZATION": "awq"},
            {},
            "engine-without-model",
            "SM_VLLM_QUANTIZATION=awq",
        ),
        (
            TGI_1,
            {"HF_MODEL_ID": LLAMA_13B},
            {"instance_type": "ml.g7e.2xlarge"},
            "engine-without-model",
            "comes with CUDA 11.8",
        ),
        (
            VLLM,
            {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_DTYPE": "float32", "SM_VLLM_MAX_MODEL_LEN": "4096"},
            {"instance_type": "ml.g5.2xlarge"},
            "copy-without-memory",
            "29.9 of weights",
        ),
        (
            VLLM,
            {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MAX_MODEL_LEN": "4096", "SM_VLLM_GPU_MEMORY_UTILIZATION": "0.1"},
            {},
            "copy-without-memory",
            "uses at most 4.4 GiB",
        ),
    ],
)
def test_what_a_plan_refuses_is_a_problem_in_the_containers_words(
    image: str, environment: dict[str, Any], settings: dict[str, Any], rule: str, words: str
) -> None:
    problem = only(check(template_of(image, environment, **settings)))
    assert (problem.rule, problem.logical_id, problem.certain) == (rule, "Llama", True)
    assert words in problem.what
    assert problem.fix


CASES = [
    (instance_type, accelerators, model, length)
    for instance_type, accelerators in [("ml.g5.2xlarge", 1), ("ml.g5.12xlarge", 4), ("ml.p4d.24xlarge", 8)]
    for model in (LLAMA_8B, LLAMA_70B, "Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen3-30B-A3B-FP8", "microsoft/phi-4")
    for length in (2048, 16384, 65536)
]


@pytest.mark.parametrize(("instance_type", "accelerators", "model", "length"), CASES)
def test_a_template_and_a_plan_with_the_same_settings_are_judged_alike(
    instance_type: str, accelerators: int, model: str, length: int
) -> None:
    environment = {
        "SM_VLLM_MODEL": model,
        "SM_VLLM_MAX_MODEL_LEN": str(length),
        "SM_VLLM_TENSOR_PARALLEL_SIZE": str(accelerators),
    }
    report = check(template_of(VLLM, environment, instance_type=instance_type, accelerators=accelerators))
    wishes = {"instance_type": instance_type, "model": model, "max_total_tokens": length, "copies": 1}
    try:
        plan(deployment(engine="vllm", tensor_parallel=accelerators, **wishes), to_deploy=False)
    except SizingError:
        assert any(finding.certain for finding in of_memory(report))
    else:
        assert of_memory(report) == []


def test_the_container_of_the_component_counts_over_that_of_the_model() -> None:
    template = template_of(environment={"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MAX_MODEL_LEN": "8192"})
    specification = properties_of(template, "Llama")["Specification"]
    specification["Container"] = {"Environment": {"SM_VLLM_MODEL": LLAMA_70B}}
    assert "131.4 of weights" in only(check(template)).what
    specification["Container"] = {"Image": TGI_2, "Environment": {"HF_MODEL_ID": "Qwen/Qwen3-8B"}}
    assert only(check(template)).rule == "engine-without-model"


def test_a_container_without_a_model_resource_is_judged() -> None:
    template = template_of()
    specification = properties_of(template, "Llama")["Specification"]
    del specification["ModelName"]
    specification["Container"] = {"Image": VLLM, "Environment": {**OFF, "SM_VLLM_MODEL": LLAMA_70B}}
    assert "131.4 of weights" in only(check(template)).what


def test_a_model_on_a_variant_is_judged_on_all_accelerators_of_the_instance() -> None:
    template = template_of(TGI_2, {"HF_MODEL_ID": "NousResearch/Llama-2-70b-chat-hf"}, instance_type="ml.g5.12xlarge")
    del template["Resources"]["Llama"]
    variant_of(template)["ModelName"] = {"Fn::GetAtt": ["Model", "ModelName"]}
    problem = only(check(template))
    assert problem.logical_id == "Model"
    assert "on each of 4 accelerators" in problem.what


def test_of_several_pools_one_that_fits_makes_the_others_a_warning() -> None:
    environment = {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MAX_MODEL_LEN": "65536"}

    def pooled(*types: str) -> Report:
        template = template_of(environment=environment)
        variant = variant_of(template)
        del variant["InstanceType"]
        variant["InstancePools"] = [{"InstanceType": name, "Priority": index} for index, name in enumerate(types, 1)]
        return check(template)

    assert not only(pooled("ml.g6e.xlarge", "ml.g5.xlarge")).certain
    assert [finding.certain for finding in of_memory(pooled("ml.g5.xlarge", "ml.g6.xlarge"))] == [True, True]
    assert of_memory(pooled("ml.g6e.xlarge", "ml.g6e.2xlarge")) == []


def test_more_context_than_the_model_was_made_for_is_a_warning_where_the_engine_starts_with_it() -> None:
    environment = {"HF_MODEL_ID": LLAMA_13B, "MAX_INPUT_LENGTH": "5000", "MAX_TOTAL_TOKENS": "6000"}
    findings = of_memory(check(template_of(TGI_2, environment)))
    assert {(finding.rule, finding.certain) for finding in findings} == {("lengths-of-requests", False)}


def test_a_default_of_the_engine_is_called_one() -> None:
    """TGI 2.4 takes 4,095 tokens of prompt by default, and ends where MAX_TOTAL_TOKENS is not larger."""
    problem = only(check(template_of(TGI_2, {"HF_MODEL_ID": LLAMA_13B, "MAX_TOTAL_TOKENS": "2048"})))
    assert problem.what.startswith("MAX_INPUT_LENGTH=4095 (its default) leaves no room for an answer")
    assert problem.fix == "set MAX_INPUT_LENGTH=2047"
    environment = {"HF_MODEL_ID": "Qwen/Qwen2.5-7B-Instruct", "MAX_INPUT_TOKENS": "100", "MAX_TOTAL_TOKENS": "200"}
    problem = only(check(template_of(TGI_2, environment, instance_type="ml.p4d.24xlarge", accelerators=8)))
    assert problem.what.startswith("SM_NUM_GPUS=8 (its default) does not split")


def test_vllm_takes_a_longer_context_where_it_is_told_to() -> None:
    environment = {
        "SM_VLLM_MODEL": "Qwen/Qwen3-8B",
        "SM_VLLM_MAX_MODEL_LEN": "50000",
        "VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1",
    }
    assert of_memory(check(template_of(environment=environment))) == []


# Gated repositories

GATED = "meta-llama/Llama-3.1-8B-Instruct"


def test_a_gated_repository_without_a_token_is_a_warning() -> None:
    finding = only(check(template_of(environment={"SM_VLLM_MODEL": GATED})))
    assert (finding.rule, finding.certain) == ("gated-without-token", False)
    assert "HF_TOKEN" in finding.fix


@pytest.mark.parametrize(
    "token", ["{{resolve:secretsmanager:hf}}", {"Ref": "Token"}, {"Fn::GetAtt": ["Made", "Token"]}]
)
@pytest.mark.parametrize("variable", ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "SM_VLLM_HF_TOKEN"])
def test_a_token_from_anywhere_is_a_token(token: Any, variable: str) -> None:
    template = template_of(environment={"SM_VLLM_MODEL": GATED, variable: token})
    template["Parameters"] = {"Token": {"Type": "String", "NoEcho": True}}
    template["Resources"]["Made"] = {"Type": "Custom::Token", "Properties": {"ServiceToken": "arn"}}
    assert of_memory(check(template)) == []


def test_weights_in_s3_need_no_token() -> None:
    template = template_of(environment={"SM_VLLM_MODEL": "/opt/ml/model"}, ModelDataUrl="s3://models/llama.tar.gz")
    assert of_memory(check(template, models={"Model": GATED})) == []


# Not judged

WEIGHTS = {"S3DataSource": {"S3Uri": "s3://models/x/", "S3DataType": "S3Prefix", "CompressionType": "None"}}


@pytest.mark.parametrize(
    ("image", "environment", "container", "why"),
    [
        ("123456789012.dkr.ecr.us-west-2.amazonaws.com/detector:latest", {}, {}, "the engine of the image detector"),
        (
            f"{DLC}/djl-inference:0.31.0-lmi13.0.0-cu124",
            {"HF_MODEL_ID": LLAMA_8B},
            {},
            "lmi-13.0.0': this version is not supported",
        ),
        (
            f"{DLC}/sglang:server-sagemaker-cuda-v1.4",
            {"SM_SGLANG_MODEL_PATH": LLAMA_8B},
            {},
            "does not contain the version",
        ),
        ("1.dkr.ecr.us-west-2.amazonaws.com/my-vllm:0.29.0-1", {"SM_VLLM_MODEL": LLAMA_8B}, {}, "published images"),
        (f"{DLC}/vllm:server-sagemaker-cuda-v2.6", {"SM_VLLM_MODEL": LLAMA_8B}, {}, "does not contain the version"),
        (f"{DLC}/vllm@sha256:{'0' * 64}", {"SM_VLLM_MODEL": LLAMA_8B}, {}, "does not contain the version"),
        (
            f"{DLC}/huggingface-pytorch-tgi-inference:2.0.0-tgi0.3.0-gpu",
            {"HF_MODEL_ID": LLAMA_8B},
            {},
            "are not supported",
        ),
        (f"{DLC}/huggingface-vllm:0.99.0-gpu", {"SM_VLLM_MODEL": LLAMA_8B}, {}, "versions of vllm after"),
        # aws/deep-learning-containers: images for EC2 read no SM_VLLM_ variables; images for CPUs have no CUDA.
        (f"{DLC}/vllm:0.29.0-gpu-py312-cu130-ubuntu24.04-ec2", {"SM_VLLM_MODEL": LLAMA_8B}, {}, "for Amazon EC2"),
        (f"{DLC}/vllm:0.29.0-cpu-py312-ubuntu24.04-sagemaker", {"SM_VLLM_MODEL": LLAMA_8B}, {}, "for CPUs"),
        # vllm/config/cache.py: BlockSize is one of 1, 8, 16, 32, 64, 128 and 256.
        (VLLM, {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_BLOCK_SIZE": "7"}, {}, "SM_VLLM_BLOCK_SIZE=7"),
        (VLLM, {"SM_VLLM_MODEL": "org/unknown"}, {}, "model 'org/unknown' is not in the table"),
        (VLLM, {"SM_VLLM_MODEL": "llama-2-13b"}, {}, "model 'llama-2-13b' is not in the table"),
        (VLLM, {"SM_VLLM_MODEL": "/opt/ml/model"}, {"ModelDataSource": WEIGHTS}, "the weights come from S3"),
        (VLLM, {"SM_VLLM_MODEL": "s3://models/x/"}, {}, "the weights come from S3"),
        (VLLM, {}, {"ModelDataSource": WEIGHTS}, "the weights come from S3"),
        (VLLM, {"HF_MODEL_ID": LLAMA_8B}, {"ModelDataSource": WEIGHTS}, "the weights come from S3"),
        (VLLM, {}, {}, "no variable names the model"),
        (VLLM, {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_CPU_OFFLOAD_GB": "10"}, {}, "SM_VLLM_CPU_OFFLOAD_GB=10"),
        (VLLM, {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_NEW_FLAG": "1"}, {}, "SM_VLLM_NEW_FLAG=1"),
        (VLLM, {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MAX_MODEL_LEN": "-1"}, {}, "SM_VLLM_MAX_MODEL_LEN=-1"),
        (TGI_2, {"HF_MODEL_ID": LLAMA_13B, "SPECULATE": "3"}, {}, "SPECULATE=3"),
    ],
)
def test_a_container_that_is_not_recognised_is_not_judged_aloud(
    image: str, environment: dict[str, str], container: dict[str, Any], why: str
) -> None:
    report = check(template_of(image, environment, **container))
    assert why in why_not_judged(report)
    assert of_memory(report) == []


@pytest.mark.parametrize(
    "environment",
    [
        {"SM_VLLM_MODEL": {"Ref": "Given"}},
        {"SM_VLLM_MODEL": {"Fn::Sub": "org/${Given}"}},
        {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MAX_MODEL_LEN": {"Ref": "Given"}},
        {"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_CPU_OFFLOAD_GB": {"Ref": "Given"}},
    ],
)
def test_a_parameter_without_a_value_is_named(environment: dict[str, Any]) -> None:
    template = template_of(environment=environment)
    template["Parameters"] = {"Given": {"Type": "String"}}
    (question,) = check(template).unjudged
    assert (question.logical_id, question.question) == ("Llama", "memory")
    assert question.options == ("--parameter Given=VALUE",)


def test_a_given_parameter_is_judged() -> None:
    template = template_of(environment={"SM_VLLM_MODEL": {"Ref": "Given"}}, instance_type="ml.g5.2xlarge")
    template["Parameters"] = {"Given": {"Type": "String"}}
    assert "131.4 of weights" in only(check(template, parameters={"Given": LLAMA_70B})).what


def test_claims_and_instance_types_that_are_not_known_are_not_judged() -> None:
    template = template_of(environment={"SM_VLLM_MODEL": LLAMA_8B}, accelerators={"Ref": "Given"})
    template["Parameters"] = {"Given": {"Type": "Number"}}
    assert "NumberOfAcceleratorDevicesRequired is unknown" in why_not_judged(check(template))
    template = template_of(environment={"SM_VLLM_MODEL": LLAMA_8B}, instance_type="ml.g99.xlarge")
    assert "ml.g99.xlarge is not in the table" in why_not_judged(check(template))
    template = template_of(environment={"SM_VLLM_MODEL": "Qwen/Qwen3-8B", "SM_VLLM_MAX_MODEL_LEN": "131072"})
    properties_of(template, "Llama")["EndpointName"] = "elsewhere"
    report = check(template)
    assert "the endpoint or the variant of the component is unknown" in why_not_judged(report)
    assert only(report).rule == "lengths-of-requests", "what does not depend on the instance type is judged"


# --model


@pytest.mark.parametrize("logical_id", ["Model", "Llama"])
def test_a_named_model_makes_it_judgeable(logical_id: str) -> None:
    template = template_of(
        environment={"SM_VLLM_MODEL": "/opt/ml/model"}, instance_type="ml.g5.2xlarge", ModelDataSource=WEIGHTS
    )
    (question,) = check(template).unjudged
    assert question.options == ("--model Llama=MODEL",)
    report = check(template, models={logical_id: LLAMA_70B})
    assert report.unjudged == ()
    assert "131.4 of weights" in only(report).what
    small = check(template, models={logical_id: "NousResearch/Llama-2-7b-chat-hf"})
    assert (of_memory(small), small.unjudged) == ([], ())


def test_a_named_model_may_be_a_config(tmp_path: Path) -> None:
    shape = {"hidden_size": 8192, "intermediate_size": 28672, "num_hidden_layers": 80, "num_attention_heads": 64}
    config = {"model_type": "llama", "vocab_size": 128256, "num_key_value_heads": 8, **shape}
    (tmp_path / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 131072}))
    template = template_of(environment={"SM_VLLM_MODEL": "org/unknown"}, instance_type="ml.g5.2xlarge")
    for named in (tmp_path, tmp_path / "config.json"):
        assert "131.4 of weights" in only(check(template, models={"Model": str(named)})).what


def test_the_template_may_name_the_model_itself() -> None:
    template = template_of(
        environment={"SM_VLLM_MODEL": "/opt/ml/model"}, instance_type="ml.g5.2xlarge", ModelDataSource=WEIGHTS
    )
    template["Resources"]["Model"]["Metadata"] = {"replicas": {"model": LLAMA_70B}}
    assert "131.4 of weights" in only(check(template)).what
    assert of_memory(check(template, models={"Model": "NousResearch/Llama-2-7b-chat-hf"})) == []


@pytest.mark.parametrize(
    ("models", "words"),
    [
        ({"Nobody": LLAMA_8B}, "no SageMaker model or hosting component Nobody: use one of Model, Llama"),
        ({"Endpoint": LLAMA_8B}, "hosting component Endpoint"),
        ({"Model": "org/unknown"}, "Model=org/unknown: no file has this name, and model 'org/unknown' is not in the"),
        ({"Model": "NousResearch/Meta-Llama-3.1-8B-Instrukt"}, "near: "),
        ({"Model": "pyproject.toml"}, "Model=pyproject.toml: .* is not JSON"),
    ],
)
def test_a_wrong_name_is_one_clear_error(models: dict[str, str], words: str) -> None:
    with pytest.raises(ProofError, match=words):
        check(template_of(environment={"SM_VLLM_MODEL": LLAMA_8B}), models=models)


@pytest.mark.parametrize(("tokens", "is_warned"), [("20000", True), ("8192", False)])
def test_a_copy_that_holds_one_request_of_full_length_is_a_warning_of_practice(tokens: str, is_warned: bool) -> None:
    """Qwen3 8B on one A10G: the plan of the same deployment says that a copy serves one request at a time."""
    environment = {"SM_VLLM_MODEL": "Qwen/Qwen3-8B", "SM_VLLM_MAX_MODEL_LEN": tokens}
    template = template_of(environment=environment, instance_type="ml.g5.xlarge")

    report = check_practice(template)

    assert ("one-request-at-a-time" in {warning.rule for warning in report.warnings}) is is_warned
    planned = plan(deployment(model="Qwen/Qwen3-8B", instance_type="ml.g5.xlarge", max_total_tokens=int(tokens)))
    assert any("serves one request of" in warning for warning in planned.warnings) is is_warned


# Timeouts and scaling targets


@pytest.mark.parametrize(
    ("seconds", "is_warned"), [(60, True), (120, True), (600, False), (3600, False), (None, False)]
)
def test_the_weights_need_time_from_s3(seconds: int | None, *, is_warned: bool) -> None:
    """16.1 GB at the slowest published rate from S3; docs/cold-start.md has the rates."""
    data = {"S3DataSource": {"S3Uri": "s3://bucket/x/", "S3DataType": "S3Prefix", "CompressionType": "None"}}
    template = template_of(VLLM_OF_AWS, {"SM_VLLM_MODEL": "/opt/ml/model"}, ModelDataSource=data)
    startup = {"ContainerStartupHealthCheckTimeoutInSeconds": 3600}
    if seconds:
        startup["ModelDataDownloadTimeoutInSeconds"] = seconds
    properties_of(template, "Llama")["Specification"]["StartupParameters"] = startup

    found = [
        entry for entry in check(template, models={"Model": LLAMA_8B}).warnings if entry.rule == "download-too-short"
    ]

    assert bool(found) is is_warned
    if found:
        assert found[0].what.startswith(
            f"ModelDataDownloadTimeoutInSeconds={seconds}, but the download of the weights from S3 can take"
        )
        planned = plan(
            deployment(model=LLAMA_8B, engine="vllm", instance_type="ml.g6e.xlarge", weights="s3://bucket/x/")
        )
        timeout = planned.components[0].download_timeout_seconds
        assert found[0].fix == f"set ModelDataDownloadTimeoutInSeconds={timeout}"


def test_no_time_is_needed_from_s3_where_the_weights_come_from_the_hub() -> None:
    template = template_of(environment={"SM_VLLM_MODEL": LLAMA_8B})
    startup = {"ModelDataDownloadTimeoutInSeconds": 60}
    properties_of(template, "Llama")["Specification"]["StartupParameters"] = startup

    assert not [entry for entry in check(template).warnings if entry.rule == "download-too-short"]


@pytest.mark.parametrize(
    "named",
    [
        {"ScalingTargetId": {"Ref": "Target"}},
        {
            "ResourceId": "inference-component/llama",
            "ScalableDimension": CopyTarget.DIMENSION,
            "ServiceNamespace": CopyTarget.NAMESPACE,
        },
        {"ScalingTargetId": f"inference-component/llama|{CopyTarget.DIMENSION}|{CopyTarget.NAMESPACE}"},
    ],
    ids=["Ref", "properties", "id"],
)
def test_a_policy_may_name_its_target_in_three_ways(named: dict[str, Any]) -> None:
    """CloudFormation user guide, properties of a ScalingPolicy and the return value of a ScalableTarget."""
    template = template_of(environment={"SM_VLLM_MODEL": LLAMA_8B, "SM_VLLM_MAX_NUM_SEQS": "16"})
    properties_of(template, "Llama")["InferenceComponentName"] = "llama"
    template["Resources"]["Target"] = {**target(1, 1), "DependsOn": "Llama"}
    properties_of(template, "Target")["ResourceId"] = "inference-component/llama"
    metric = {"PredefinedMetricSpecification": {"PredefinedMetricType": CopyTarget.CONCURRENT_REQUESTS}}
    template["Resources"]["Policy"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "DependsOn": "Target",
        "Properties": {
            "PolicyName": "requests",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 17, **metric},
            **named,
        },
    }

    report = check(template)

    assert [entry.fix for entry in report.warnings if entry.rule == "target-above-copy"] == ["set TargetValue=12"]


def tracking(value: float, metric: str | dict[str, Any] = CopyTarget.CONCURRENT_REQUESTS, **environment: str) -> Report:
    template = template_of(environment={"SM_VLLM_MODEL": LLAMA_8B, **environment})
    template["Resources"]["Target"] = target(1, 1)
    template["Resources"]["Policy"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "requests",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": value,
                **(
                    {"PredefinedMetricSpecification": {"PredefinedMetricType": metric}}
                    if isinstance(metric, str)
                    else {"CustomizedMetricSpecification": metric}
                ),
            },
        },
    }
    return check(template)


@pytest.mark.parametrize(
    ("value", "metric", "sequences", "fix"),
    [
        (17, CopyTarget.CONCURRENT_REQUESTS, "16", "TargetValue=12"),
        (16, CopyTarget.CONCURRENT_REQUESTS, "16", None),
        (17, CopyTarget.INVOCATIONS, "16", None),
        (17, CopyTarget.CONCURRENT_REQUESTS, "64", None),
        (1.5, CopyTarget.CONCURRENT_REQUESTS, "1", "TargetValue=1"),
    ],
)
def test_a_scaling_target_above_what_a_copy_holds(value: float, metric: str, sequences: str, fix: str | None) -> None:
    """The batch of vLLM has at most max_num_seqs requests; the others wait in its queue."""
    report = tracking(value, metric, SM_VLLM_MAX_NUM_SEQS=sequences)

    assert [entry.fix for entry in report.warnings if entry.rule == "target-above-copy"] == (
        [f"set {fix}"] if fix else []
    )
    assert not [entry for entry in report.problems if entry.rule == "target-above-copy"]


@pytest.mark.parametrize(
    ("changes", "fixes"),
    [
        ({}, ["TargetValue=12"]),
        ({"Statistic": "Maximum"}, ["TargetValue=12"]),
        ({"Statistic": "Sum"}, []),
        ({"MetricName": "InvocationsPerCopy"}, []),
        ({"Namespace": "Mine"}, []),
    ],
)
def test_a_target_of_the_metric_itself_is_judged_as_that_of_its_predefined_name(
    changes: dict[str, str], fixes: list[str]
) -> None:
    """SageMaker developer guide, monitoring-cloudwatch: ConcurrentRequestsPerCopy of AWS/SageMaker, by component."""
    name = {"Fn::GetAtt": ["Llama", "InferenceComponentName"]}
    dimensions = [{"Name": "InferenceComponentName", "Value": name}]
    metric = {"Namespace": "AWS/SageMaker", "MetricName": "ConcurrentRequestsPerCopy", "Statistic": "Average"}

    report = tracking(17, {**metric, "Dimensions": dimensions, **changes}, SM_VLLM_MAX_NUM_SEQS="16")

    assert [entry.fix for entry in report.warnings if entry.rule == "target-above-copy"] == [
        f"set {fix}" for fix in fixes
    ]


def test_a_container_is_recognised_once_for_all_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven rules of the proof and one of practice read the copies of a template."""
    recognised = []

    def counted(place: Place, topology: Topology) -> Any:
        recognised.append(place.subject.name)
        return request_of(place, topology)

    monkeypatch.setattr(served, "request_of", counted)
    check(template_of(environment={"HF_MODEL_ID": LLAMA_8B}), practice=True)
    assert recognised == ["Llama"]


def test_copies_of_another_template_are_not_those_of_the_template_before() -> None:
    small = template_of(environment={"HF_MODEL_ID": LLAMA_8B})
    large = template_of(environment={"HF_MODEL_ID": LLAMA_70B})
    assert not of_memory(check(small))
    assert only(check(large)).rule == "copy-without-memory"
    assert not of_memory(check(small))
