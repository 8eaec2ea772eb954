"""Adapters and the engine of their base: its switch, its slots, its rank."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import Message, check
from tests.rules.base import HUGGINGFACE_VLLM, MODEL, NAME_OF_LLAMA, TGI, Template, container_of, good

LMI = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi18.0.0-cu128"
SERVING = {
    "SM_VLLM_MODEL": MODEL,
    "SM_VLLM_ENABLE_LORA": "true",
    "SM_VLLM_MAX_LORA_RANK": "64",
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
    "HF_ENABLE_LMCACHE": "0",
}


def adapted(image: str = HUGGINGFACE_VLLM, *, adapters: int = 1, **environment: Any) -> Template:
    """A base and its adapters. A variable of None is left out."""
    template = good()
    variables = {**(SERVING if image == HUGGINGFACE_VLLM else {"SM_NUM_GPUS": "1"}), **environment}
    container_of(template).update(
        Image=image, Environment={name: value for name, value in variables.items() if value is not None}
    )
    for index in range(adapters):
        container = {"ArtifactUrl": f"s3://bucket/{index}/"}
        template["Resources"][f"Adapter{index}"] = {
            "Type": "AWS::SageMaker::InferenceComponent",
            "Properties": {
                "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                "Specification": {"BaseInferenceComponentName": NAME_OF_LLAMA, "Container": container},
            },
        }
    return template


def about_engine(template: Template) -> list[Message]:
    """Findings of the rules about adapters' engines."""
    report = check(template)
    rules = ("adapter-without-engine", "adapter-limits")
    return [finding for finding in (*report.problems, *report.warnings) if finding.rule in rules]


def test_an_engine_with_slots_and_a_rank_is_fine() -> None:
    assert about_engine(adapted()) == []
    assert about_engine(adapted(adapters=3, SM_VLLM_MAX_LORAS="3")) == []


@pytest.mark.parametrize("value", [None, "false", "1"])
def test_an_engine_that_is_not_told_to_serve_adapters_is_a_problem(value: str | None) -> None:
    (finding,) = about_engine(adapted(SM_VLLM_ENABLE_LORA=value))
    assert (finding.rule, finding.logical_id, finding.certain) == ("adapter-without-engine", "Adapter0", True)
    assert finding.fix == "set SM_VLLM_ENABLE_LORA=true"


def test_an_engine_without_adapters_is_a_problem() -> None:
    (finding,) = about_engine(adapted(TGI))
    assert (finding.rule, finding.certain) == ("adapter-without-engine", True)
    assert finding.fix == "use an image of lmi or vllm"


def test_an_engine_that_a_file_beside_its_weights_configures_is_a_warning() -> None:
    template = adapted(LMI, HF_MODEL_ID="/opt/ml/model")
    assert [finding.certain for finding in about_engine(template) if finding.rule == "adapter-without-engine"] == [True]
    container_of(template)["ModelDataUrl"] = "s3://bucket/model.tar.gz"
    assert not any(finding.certain for finding in about_engine(template))
    limits = {"OPTION_MAX_LORA_RANK": "16"}  # its slots are four by itself
    assert about_engine(adapted(LMI, adapters=4, OPTION_ENABLE_LORA="true", **limits)) == []
    (finding,) = about_engine(adapted(LMI, adapters=5, OPTION_ENABLE_LORA="true", **limits))
    assert finding.what == "the component has 5 adapters, but OPTION_MAX_LORAS allows only 4 at once"


@pytest.mark.parametrize(
    ("variable", "fix"),
    [
        ("SM_VLLM_MAX_LORA_RANK", "set SM_VLLM_MAX_LORA_RANK to the largest rank"),
        ("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "set VLLM_ALLOW_RUNTIME_LORA_UPDATING=True"),
    ],
)
def test_a_limit_that_is_not_given_is_a_warning(variable: str, fix: str) -> None:
    (finding,) = about_engine(adapted(**{variable: None}))
    assert (finding.rule, finding.logical_id, finding.certain) == ("adapter-limits", "Llama", False)
    assert finding.fix.startswith(fix)


@pytest.mark.parametrize(("slots", "shown"), [(None, 1), ("2", 2)])
def test_more_adapters_than_slots_are_a_warning(slots: str | None, shown: int) -> None:
    (finding,) = about_engine(adapted(adapters=3, SM_VLLM_MAX_LORAS=slots))
    assert finding.what == f"the component has 3 adapters, but SM_VLLM_MAX_LORAS allows only {shown} at once"
    assert finding.fix == "set SM_VLLM_MAX_LORAS=3"


def test_an_unknown_engine_or_switch_is_not_judged() -> None:
    unknown = adapted("1.dkr.ecr.us-east-1.amazonaws.com/own:1")
    assert "whether its engine serves adapters" in [question.question for question in check(unknown).unjudged]
    template = adapted(SM_VLLM_ENABLE_LORA={"Ref": "Lora"})
    template["Parameters"] = {"Lora": {"Type": "String"}}
    options = {question.question: question.options for question in check(template).unjudged}
    assert options["whether its engine serves adapters"] == ("--parameter Lora=VALUE",)


def test_an_adapter_of_a_base_on_instance_pools_counts_once() -> None:
    template = adapted(adapters=2, SM_VLLM_MAX_LORAS="2")
    base = template["Resources"]["Llama"]["Properties"]
    specification = base.pop("Specification")
    base["Specifications"] = [{**specification, "InstanceType": name} for name in ("ml.g5.12xlarge", "ml.g6.12xlarge")]

    assert about_engine(template) == []
