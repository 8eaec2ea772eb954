"""The article's table, read off the templates."""

from __future__ import annotations

import re

import pytest

from tests.stacks.conftest import Template, only, resources

FP16, GPTQ, AWQ = None, "gptq", "awq"

# stack               copies  accelerators  CPUs  memory MiB  quantization  start-up s
ARTICLE = [
    ("llama-2-7b",        8,      1,         10,   102400,     FP16,        300),
    ("llama-2-7b-gptq",   8,      1,         10,   102400,     GPTQ,        300),
    ("llama-2-7b-awq",    8,      1,         10,   102400,     AWQ,         300),
    ("llama-2-13b",       8,      1,         10,   102400,     FP16,        300),
    ("llama-2-13b-gptq",  8,      1,         10,   102400,     GPTQ,        300),
    ("llama-2-13b-awq",   8,      1,         10,   102400,     AWQ,         300),
    ("llama-2-70b",       2,      4,         40,   409600,     FP16,       1440),
    ("llama-2-70b-gptq",  4,      2,         20,   204800,     GPTQ,        600),
    ("llama-2-70b-awq",   4,      2,         20,   204800,     AWQ,         600),
]  # fmt: skip


@pytest.mark.parametrize(("stack", "copies", "accelerators", "cpus", "memory", "quantization", "startup"), ARTICLE)
def test_row(
    templates: dict[str, Template],
    stack: str,
    copies: int,
    accelerators: int,
    cpus: int,
    memory: int,
    quantization: str | None,
    startup: int,
) -> None:
    template = templates[stack]
    component = only(template, "AWS::SageMaker::InferenceComponent")
    environment = only(template, "AWS::SageMaker::Model")["PrimaryContainer"]["Environment"]

    assert component["RuntimeConfig"] == {"CopyCount": copies}
    assert component["Specification"]["ComputeResourceRequirements"] == {
        "NumberOfAcceleratorDevicesRequired": accelerators,
        "NumberOfCpuCoresRequired": cpus,
        "MinMemoryRequiredInMb": memory,
    }
    assert component["Specification"]["StartupParameters"] == {"ContainerStartupHealthCheckTimeoutInSeconds": startup}
    model = environment.pop("HF_MODEL_ID")
    size = stack.split("-")[2]
    assert re.fullmatch(rf"(NousResearch|TheBloke)/Llama-2-{size}-chat(-hf|-{quantization})", model, re.IGNORECASE)
    assert environment == {
        "SM_NUM_GPUS": str(accelerators),
        "MAX_INPUT_LENGTH": "2048",
        "MAX_TOTAL_TOKENS": "4096",
        "MAX_BATCH_TOTAL_TOKENS": "16384",
        **({"HF_MODEL_QUANTIZE": quantization} if quantization else {}),
    }


@pytest.mark.parametrize("stack", [row[0] for row in ARTICLE])
def test_every_row_runs_the_articles_image_on_one_p4d_and_uses_all_of_it(
    templates: dict[str, Template], stack: str
) -> None:
    template = templates[stack]
    (variant,) = only(template, "AWS::SageMaker::EndpointConfig")["ProductionVariants"]
    image = only(template, "AWS::SageMaker::Model")["PrimaryContainer"]["Image"]["Fn::Join"][1][-1]
    component = only(template, "AWS::SageMaker::InferenceComponent")
    used = (
        component["RuntimeConfig"]["CopyCount"]
        * component["Specification"]["ComputeResourceRequirements"]["NumberOfAcceleratorDevicesRequired"]
    )

    assert variant["InstanceType"] == "ml.p4d.24xlarge"
    assert variant["InitialInstanceCount"] == 1
    assert image == "/huggingface-pytorch-tgi-inference:2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"
    assert used == 8


def test_the_mix_puts_four_copies_of_each_model_on_one_instance(templates: dict[str, Template]) -> None:
    components = resources(templates["llama-13b-mistral-7b"], "AWS::SageMaker::InferenceComponent").values()
    models = resources(templates["llama-13b-mistral-7b"], "AWS::SageMaker::Model")

    assert [component["RuntimeConfig"]["CopyCount"] for component in components] == [4, 4]
    served = {
        models[component["Specification"]["ModelName"]["Fn::GetAtt"][0]]["PrimaryContainer"]["Environment"][
            "HF_MODEL_ID"
        ]
        for component in components
    }
    assert served == {"NousResearch/Llama-2-13b-chat-hf", "mistralai/Mistral-7B-Instruct-v0.1"}
