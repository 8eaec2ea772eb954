"""Variables that an engine does not start with, or does not read."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from huggingface_hub.constants import ENV_VARS_TRUE_VALUES
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from replicas.rules import Report, check
from replicas.rules import variables as rules
from tests.rules.base import TGI, VLLM, Template, container_of, good, properties_of, variant_of

REGION = "us-east-1"
TGI_1 = TGI.replace("2.7.0-tgi3.3.6-gpu-py311-cu124-ubuntu22.04", "2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04")
OF_VLLM = {"SM_VLLM_MODEL": "Qwen/Qwen3-8B"}


def served(image: str, environment: dict[str, str]) -> Template:
    template = good()
    container = container_of(template)
    container["Image"], container["Environment"] = image, environment
    variant_of(template)["InferenceAmiVersion"] = "al2023-ami-sagemaker-inference-gpu-4-1"
    return template


def tgi(**environment: str) -> Template:
    return served(TGI, {"HF_MODEL_ID": "NousResearch/Llama-2-7b-chat-hf", **environment})


def vllm(**environment: str) -> Template:
    return served(VLLM, {**OF_VLLM, **environment})


def with_data(template: Template) -> Template:
    source = {"S3Uri": "s3://bucket/m/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container_of(template)["ModelDataSource"] = {"S3DataSource": source}
    return template


def elsewhere(template: Template) -> Template:
    """The same with an image of somebody's own."""
    image = container_of(template)["Image"]
    container_of(template)["Image"] = image.replace(":", "-mine:").replace("huggingface-pytorch-tgi-", "own-tgi-")
    return template


def found(template: Template) -> tuple[set[str], set[str]]:
    """Rules of problems and of warnings."""
    report: Report = check(template, region=REGION)
    return {problem.rule for problem in report.problems}, {warning.rule for warning in report.warnings}


def test_a_switch_that_a_parameter_gives_is_not_judged_without_its_value() -> None:
    template = tgi(HF_HUB_OFFLINE="")
    container_of(template)["Environment"]["HF_HUB_OFFLINE"] = {"Ref": "Offline"}
    template["Parameters"] = {"Offline": {"Type": "String"}}
    report = check(template, region=REGION)
    assert "whether HF_HUB_OFFLINE allows calls to the Hub" in {each.question for each in report.unjudged}
    judged = check(template, region=REGION, parameters={"Offline": "1"})
    assert [each.rule for each in judged.problems] == ["weights-offline"]


@pytest.mark.parametrize("switch", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
@pytest.mark.parametrize("value", sorted({*ENV_VARS_TRUE_VALUES, "true", "Yes"}))
def test_weights_of_the_hub_without_the_hub(switch: str, value: str) -> None:
    assert found(tgi(**{switch: value})) == ({"weights-offline"}, set())
    assert found(vllm(**{switch: value})) == ({"weights-offline"}, set())


def test_weights_of_the_hub_in_an_image_of_others_may_be_in_its_cache() -> None:
    assert found(elsewhere(tgi(HF_HUB_OFFLINE="1"))) == (set(), {"weights-offline"})


@pytest.mark.parametrize(
    "template",
    [
        tgi(HF_HUB_OFFLINE="0"),
        tgi(HF_HUB_OFFLINE="off"),
        with_data(served(TGI, {"HF_MODEL_ID": "/opt/ml/model", "HF_HUB_OFFLINE": "1"})),
        with_data(served(VLLM, {"SM_VLLM_MODEL": "/opt/ml/model", "HF_HUB_OFFLINE": "1"})),
    ],
)
def test_weights_that_are_fetched_or_there(template: Template) -> None:
    assert found(template) == (set(), set())


@pytest.mark.parametrize(
    ("switch", "value", "is_reached"),
    [
        # SageMaker's guide: port 8080. The images' scripts pass every variable on (aws/deep-learning-containers).
        ("SM_VLLM_PORT", "8080", True),
        ("SM_VLLM_PORT", "8000", False),
        ("SM_VLLM_HOST", "0.0.0.0", True),  # noqa: S104 (the address of a container)
        ("SM_VLLM_HOST", "127.0.0.1", False),
        ("SM_VLLM_SSL_CERTFILE", "/opt/ml/cert.pem", False),
        ("SM_VLLM_UDS", "/tmp/vllm.sock", False),  # noqa: S108 (a path in a container)
        ("SM_VLLM_HEADLESS", "true", False),
        ("SM_VLLM_HEADLESS", "false", True),
    ],
)
def test_a_server_that_sagemaker_does_not_reach(switch: str, value: str, is_reached: bool) -> None:
    assert found(vllm(**{switch: value})) == (set() if is_reached else {"server-not-reached"}, set())
    assert found(elsewhere(vllm(**{switch: value}))) == (set(), set())


def test_whether_a_server_is_reached_is_not_judged_without_its_port() -> None:
    template = vllm(SM_VLLM_PORT="")
    container_of(template)["Environment"]["SM_VLLM_PORT"] = {"Ref": "Port"}
    template["Parameters"] = {"Port": {"Type": "String"}}
    report = check(template, region=REGION)
    assert "whether SageMaker reaches the server at the address that the variable SM_VLLM_PORT sets" in {
        each.question for each in report.unjudged
    }
    judged = check(template, region=REGION, parameters={"Port": "8000"})
    assert [each.rule for each in judged.problems] == ["server-not-reached"]


@pytest.mark.parametrize(
    "name",
    [
        " NousResearch/Llama-2-7b-chat-hf",
        "https://huggingface.co/NousResearch/Llama-2-7b-chat-hf",
        "NousResearch/Llama-2-7b-chat-hf/",
        "NousResearch\\Llama-2-7b-chat-hf",
        "models/NousResearch/Llama-2-7b-chat-hf",
    ],
)
def test_a_name_that_the_client_of_the_hub_refuses(name: str) -> None:
    with pytest.raises(HFValidationError):
        validate_repo_id(name)
    assert found(tgi(HF_MODEL_ID=name)) == ({"weights-missing"}, set())


@pytest.mark.parametrize("name", ["gpt2", "Qwen/Qwen3-8B", "bigscience/bloom-560m", "a/b.c_d-e"])
def test_a_name_that_the_client_of_the_hub_takes(name: str) -> None:
    validate_repo_id(name)
    assert "weights-missing" not in found(tgi(HF_MODEL_ID=name))[0]


@pytest.mark.parametrize(
    ("template", "is_missing"),
    [
        (served(TGI, {}), False),  # said not to be judged
        (served(TGI, {"HF_MODEL_ID": "/opt/ml/model"}), True),
        (served(VLLM, {"SM_VLLM_MODEL": "/opt/ml/model/"}), True),
        (served(VLLM, {}), False),  # vLLM serves a model of its own
        (elsewhere(served(TGI, {"HF_MODEL_ID": "/opt/ml/model"})), False),
        (with_data(served(TGI, {"HF_MODEL_ID": "/opt/ml/model"})), False),
    ],
)
def test_weights_that_are_nowhere(template: Template, *, is_missing: bool) -> None:
    assert found(template) == (set(), {"weights-missing"} if is_missing else set())


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (
            tgi(MAX_TOTAL_TOKENS="4096", MAX_BATCH_TOTAL_TOKENS="4095"),
            "`max_total_tokens` must be <= `max_batch_total_tokens`",
        ),
        (
            tgi(MAX_BATCH_PREFILL_TOKENS="4097", MAX_BATCH_TOTAL_TOKENS="4096"),
            "`max_batch_prefill_tokens` must be <= `max_batch_total_tokens`",
        ),
    ],
)
def test_limits_that_the_engine_refuses_together(template: Template, words: str) -> None:
    (problem,) = check(template, region=REGION).problems

    assert problem.rule == "variables-in-order"
    assert words in problem.why
    assert found(elsewhere(template)) == (set(), {"variables-in-order"})


@pytest.mark.parametrize(
    "template",
    [
        tgi(MAX_TOTAL_TOKENS="4096", MAX_BATCH_TOTAL_TOKENS="4096"),
        tgi(MAX_BATCH_TOTAL_TOKENS="4096"),
    ],
)
def test_limits_that_are_in_order(template: Template) -> None:
    assert found(template) == (set(), set())


@pytest.mark.parametrize(
    ("template", "fix"),
    [
        (served(VLLM, {"Sm_Vllm_Model": "Qwen/Qwen3-8B"}), "use SM_VLLM_MODEL"),
        (served(VLLM, {"SM_VLM_MODEL": "Qwen/Qwen3-8B"}), "use SM_VLLM_MODEL"),
        (vllm(SM_VLLM_MAX_MODEL_LENGTH="4096"), "use SM_VLLM_MAX_MODEL_LEN"),
        (vllm(MAX_MODEL_LEN="4096"), "use SM_VLLM_MAX_MODEL_LEN"),
        (vllm(VLLM_MAX_MODEL_LEN="4096"), "use SM_VLLM_MAX_MODEL_LEN"),
        (tgi(MAX_INPUT_TOKEN="1000"), "use MAX_INPUT_TOKENS"),  # noqa: S106
        (tgi(max_total_tokens="2000"), "use MAX_TOTAL_TOKENS"),
        (tgi(HUGGING_FACE_TOKEN="{{resolve:secretsmanager:hub}}"), "use HUGGING_FACE_HUB_TOKEN"),  # noqa: S106
        (vllm(MAX_TOTAL_TOKENS="4096"), "use SM_VLLM_MAX_MODEL_LEN"),
        (vllm(QUANTIZE="awq"), "use SM_VLLM_QUANTIZATION"),
        (tgi(SM_VLLM_MAX_NUM_SEQS="8"), "leave SM_VLLM_MAX_NUM_SEQS out"),
    ],
)
def test_a_variable_that_is_nearly_one_of_the_engine(template: Template, fix: str) -> None:
    warnings = [warning for warning in check(template, region=REGION).warnings if warning.rule == "variable-not-read"]

    assert [warning.fix for warning in warnings] == [fix]


@pytest.mark.parametrize(
    "template",
    [
        tgi(TEAM="ml", NCCL_DEBUG="INFO", HF_HOME="/tmp", MAX_CONCURRENT_REQUESTS="8"),  # noqa: S108
        vllm(TEAM="ml", HF_TOKEN="{{resolve:secretsmanager:hub}}", VLLM_LOGGING_LEVEL="INFO", PORT="8080", HOST="a"),  # noqa: S106
        vllm(VLLM_USE_V2="1"),
        elsewhere(tgi(MAX_INPUT_TOKEN="1000")),  # noqa: S106
    ],
)
def test_a_variable_that_is_of_the_engine_or_of_others(template: Template) -> None:
    assert "variable-not-read" not in found(template)[1]


@pytest.mark.parametrize(("seconds", "warned"), [(60, True), (90, True), (110, False), (3600, False), (None, False)])
def test_a_copy_needs_time_to_load_its_weights(seconds: int | None, *, warned: bool) -> None:
    """13.5 GB took 51 s from the Hub where that was slowest, and 47 s to the card; no start of TGI was published."""
    template = tgi()
    if seconds:
        startup: dict[str, Any] = {"ContainerStartupHealthCheckTimeoutInSeconds": seconds}
        properties_of(template, "Llama")["Specification"]["StartupParameters"] = startup

    assert found(template) == (set(), {"startup-too-short"} if warned else set())


@pytest.mark.parametrize(
    ("image", "is_refused"),
    [
        (TGI, False),
        (TGI.replace("us-east-1", "us-west-2"), True),
        (TGI.replace(".ecr.us-east-1.", ".ecr.eu-central-1."), True),
        ({"Fn::Sub": TGI.replace("us-east-1", "${AWS::Region}")}, False),
        ({"Fn::Sub": TGI.replace("763104351884", "${AWS::AccountId}").replace("us-east-1", "us-west-2")}, True),
        ("registry.example.com/us-west-2/tgi:3.3.6", False),
    ],
)
def test_an_image_must_be_in_the_region_of_the_endpoint(image: Any, *, is_refused: bool) -> None:
    """SageMaker API reference, ContainerDefinition, Image."""
    template = good()
    container_of(template)["Image"] = image

    assert ("image-in-other-region" in found(template)[0]) == is_refused
    assert "image-in-other-region" not in {problem.rule for problem in check(template).problems}


def test_values_that_are_true_are_those_of_the_client() -> None:
    assert {value.upper() for value in rules._TRUE} == ENV_VARS_TRUE_VALUES


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        (tgi(MAX_TOTAL_TOKENS="lots"), "MAX_TOTAL_TOKENS='lots': it is not an integer of at least 1"),
        (tgi(MAX_INPUT_TOKENS="1.5"), "MAX_INPUT_TOKENS='1.5': it is not an integer of at least 1"),
        (tgi(CUDA_MEMORY_FRACTION="90"), "CUDA_MEMORY_FRACTION='90': it is not a number above 0 and up to 1"),
        (vllm(SM_VLLM_GPU_MEMORY_UTILIZATION="95%"), "SM_VLLM_GPU_MEMORY_UTILIZATION='95%': it is not a number"),
        (vllm(SM_VLLM_MAX_NUM_SEQS="many"), "SM_VLLM_MAX_NUM_SEQS='many': it is not an integer"),
        (vllm(SM_VLLM_TENSOR_PARALLEL_SIZE="1.0"), "SM_VLLM_TENSOR_PARALLEL_SIZE='1.0': it is not an integer"),
        (vllm(SM_VLLM_MAX_MODEL_LEN="4096.0"), "SM_VLLM_MAX_MODEL_LEN='4096.0': it is not an integer"),
        (vllm(SM_VLLM_MAX_MODEL_LEN="2.5K"), "SM_VLLM_MAX_MODEL_LEN='2.5K': it is not an integer"),
        (vllm(SM_VLLM_MAX_NUM_SEQS="1k"), "SM_VLLM_MAX_NUM_SEQS='1k': it is not an integer"),
        (tgi(MAX_TOTAL_TOKENS="4k"), "MAX_TOTAL_TOKENS='4k': it is not an integer"),
        (tgi(MAX_CONCURRENT_REQUESTS="many"), "MAX_CONCURRENT_REQUESTS='many': it is not an integer of at least 0"),
        (tgi(VALIDATION_WORKERS="0"), "VALIDATION_WORKERS='0': it is not an integer of at least 1"),
        (tgi(WAITING_SERVED_RATIO="x"), "WAITING_SERVED_RATIO='x': it is not a number"),
        (
            vllm(SM_VLLM_MAX_LORA_RANK="7", SM_VLLM_ENABLE_LORA="true"),
            "it is not one of 1, 8, 16",
        ),
        (vllm(VLLM_WORKER_MULTIPROC_METHOD="thread"), "it is not one of fork, spawn"),
        (vllm(SM_VLLM_OVERRIDE_GENERATION_CONFIG="{bad"), "it is not a JSON object"),
        (vllm(SM_VLLM_ENABLE_AUTO_TOOL_CHOICE="true"), "it needs SM_VLLM_TOOL_CALL_PARSER"),
    ],
)
def test_values_that_the_parser_of_an_engine_refuses(template: Template, sentence: str) -> None:
    report = check(template, region=REGION)
    (problem,) = [each for each in report.problems if each.rule == "variable-not-parsed"]
    assert sentence in problem.what
    assert "variable-not-parsed" not in found(elsewhere(template))[0]


def _refused_by_argparse(*arguments: str) -> bool:
    """Whether argparse refuses arguments of these types, which those of vLLM's server have."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--mm-processor-cache-gb", type=float)
    parser.add_argument("--trust-remote-code", action=argparse.BooleanOptionalAction)
    parser.add_argument("--scheduling-policy", choices=["fcfs", "priority"])
    try:
        return bool(parser.parse_known_args(arguments)[1])
    except argparse.ArgumentError:
        return True


@pytest.mark.parametrize(
    ("name", "flag", "values"),
    [
        ("SM_VLLM_SEED", "--seed", ["0", "-1", "42", "abc", "1.5", ""]),
        ("SM_VLLM_MM_PROCESSOR_CACHE_GB", "--mm-processor-cache-gb", ["4", "0.5", "-1", "x", "4GiB"]),
        ("SM_VLLM_SCHEDULING_POLICY", "--scheduling-policy", ["fcfs", "priority", "FCFS", "random"]),
        ("SM_VLLM_TRUST_REMOTE_CODE", "--trust-remote-code", ["true", "True", "1", "yes"]),
    ],
)
def test_a_value_is_refused_as_argparse_refuses_it(name: str, flag: str, values: list[str]) -> None:
    """The images turn true into a bare flag, and any other value into the argument after the flag."""
    for value in values:
        arguments = [flag] if value.lower() == "true" else [f"{flag}={value}"]
        if flag == "--trust-remote-code" and value.lower() != "true":
            arguments = [flag, value]
        refused = "variable-not-parsed" in found(vllm(**{name: value}))[0]
        assert refused == _refused_by_argparse(*arguments), value


@pytest.mark.parametrize(("image", "is_read"), [(TGI_1, False), (TGI, True)])
def test_an_older_version_does_not_read_a_newer_name(image: str, is_read: bool) -> None:
    """TGI 1.1.0, launcher/src/main.rs: the only name of the longest prompt is max_input_length."""
    template = served(image, {"HF_MODEL_ID": "NousResearch/Llama-2-7b-chat-hf", "MAX_INPUT_TOKENS": "1000"})
    warnings = [warning.fix for warning in check(template).warnings if warning.rule == "variable-not-read"]
    assert warnings == ([] if is_read else ["use MAX_INPUT_LENGTH"])


def test_an_abbreviated_name_is_near() -> None:
    (warning,) = [each for each in check(tgi(MAX_INPUT_LEN="100")).warnings if each.rule == "variable-not-read"]
    assert warning.fix == "use MAX_INPUT_LENGTH"


@pytest.mark.parametrize("value", ["4k", "4K", "2.5k", "4096"])
def test_the_lengths_of_vllm_may_have_a_unit(value: str) -> None:
    """vllm/engine/arg_utils.py, `human_readable_int`: '1k' is 1,000, '1K' is 1,024, '25.6k' is 25,600."""
    assert not check(vllm(SM_VLLM_MAX_MODEL_LEN=value), region=REGION).problems


def test_a_unit_that_only_newer_versions_of_sglang_read_is_not_judged() -> None:
    """sgl-project/sglang, pull request 20577, of March 2026."""
    template = good()
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/sglang:0.5.9-gpu-py312-cu129-ubuntu24.04-sagemaker"
    variables = {"SM_SGLANG_MODEL_PATH": "Qwen/Qwen3-8B", "SM_SGLANG_CONTEXT_LENGTH": "4k"}
    container_of(template).update(Image=image, Environment=variables)

    report = check(template, region=REGION)

    assert "variable-not-parsed" not in {problem.rule for problem in report.problems}
    assert [question.question for question in report.unjudged] == ["memory"]


@pytest.mark.parametrize("value", ["auto", "-1"])
def test_words_by_which_an_engine_chooses_itself_are_no_problem(value: str) -> None:
    """vLLM takes both for --max-model-len; a copy with them is not judged."""
    report = check(vllm(SM_VLLM_MAX_MODEL_LEN=value), region=REGION)
    assert not report.problems
    assert report.unjudged


def test_a_parameter_for_an_argument_that_the_parser_checks_is_not_judged_without_its_value() -> None:
    template = vllm(SM_VLLM_SEED="", SM_VLLM_SERVED_MODEL_NAME="", HF_TOKEN="")
    for name in ("SM_VLLM_SEED", "SM_VLLM_SERVED_MODEL_NAME", "HF_TOKEN"):
        container_of(template)["Environment"][name] = {"Ref": "Given"}
    template["Parameters"] = {"Given": {"Type": "String"}}
    questions = {question.question for question in check(template, region=REGION).unjudged}
    assert "whether the engine starts with SM_VLLM_SEED" in questions
    assert not any("SERVED_MODEL_NAME" in question or "HF_TOKEN" in question for question in questions)
    judged = check(template, region=REGION, parameters={"Given": "abc"})
    assert [each.what for each in judged.problems] == ["SM_VLLM_SEED='abc': it is not an integer"]


def test_a_name_that_a_plugin_may_register_is_not_judged() -> None:
    """vLLM 0.30.0, cli_args.py: 'or name registered in --tool-parser-plugin'."""
    plugin = {"SM_VLLM_TOOL_PARSER_PLUGIN": "/opt/ml/model/mine.py", "SM_VLLM_ENABLE_AUTO_TOOL_CHOICE": "true"}
    report = check(vllm(**plugin, SM_VLLM_TOOL_CALL_PARSER="mine"), region=REGION)
    assert not report.problems
    assert "whether the engine starts with SM_VLLM_TOOL_CALL_PARSER=mine" in {each.question for each in report.unjudged}
    del plugin["SM_VLLM_TOOL_PARSER_PLUGIN"]
    (problem,) = check(vllm(**plugin, SM_VLLM_TOOL_CALL_PARSER="mine"), region=REGION).problems
    assert problem.rule == "variable-not-parsed"


@pytest.mark.parametrize(
    ("address", "is_reached"),
    [("http://0.0.0.0:8080", True), ("http://0.0.0.0:9000", False), ("http://127.0.0.1:8080", False)],
)
def test_an_address_of_lmi_that_sagemaker_does_not_reach(address: str, is_reached: bool) -> None:
    """djl-serving, ConfigManager.java: `SERVING_<NAME>` sets a property of the server; there is no SERVING_PORT."""
    image = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130"
    template = served(image, {"HF_MODEL_ID": "Qwen/Qwen3-8B", "SERVING_INFERENCE_ADDRESS": address})
    assert found(template)[0] == (set() if is_reached else {"server-not-reached"})
