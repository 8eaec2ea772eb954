"""The context that vLLM derives from `rope_scaling`, against its rule in `_get_and_verify_max_len`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas import Component, Deployment, plan
from replicas.catalogue.models import model_from_config
from replicas.engines import find_engine
from replicas.errors import SizingError
from replicas.rules import check
from tests.rules.base import VLLM, component, container_of, good, variant_of

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 32,
    "num_hidden_layers": 32,
    "intermediate_size": 11008,
    "vocab_size": 32000,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": False,
}
YARN = {"rope_type": "yarn", "factor": 4.0}


@pytest.mark.parametrize(
    ("scaling", "positions", "context"),
    [
        (None, 8192, 8192),
        ({"type": "linear", "factor": 4}, 8192, 32768),
        ({"rope_type": "dynamic", "factor": 2.0}, 8192, 16384),
        ({**YARN, "original_max_position_embeddings": 32768}, 32768, 131072),
        ({**YARN, "original_max_position_embeddings": 32768}, 131072, 131072),
        ({"rope_type": "llama3", "factor": 8.0, "original_max_position_embeddings": 8192}, 131072, 131072),
        ({"rope_type": "longrope", "factor": 32.0}, 131072, 131072),
        ({"rope_type": "default", "factor": 4.0}, 8192, 8192),
        ({"rope_type": "linear", "factor": float("inf")}, 8192, 8192),
        ({"rope_type": "linear", "factor": None}, 8192, 8192),
    ],
)
def test_vllm_derives_the_context(scaling: Any, positions: int, context: int) -> None:
    model = model_from_config({**CONFIG, "max_position_embeddings": positions, "rope_scaling": scaling}, "m", "m")

    assert find_engine("vllm-0.30.0").longest_context(model) == context
    assert find_engine("lmi-15.0.0").longest_context(model) == context
    assert find_engine("tgi-3.3.6").longest_context(model) == positions


def test_a_stretched_context_counts_where_no_variable_sets_a_length(tmp_path: Path) -> None:
    """A token takes 512 KiB, so 32,768 tokens take 16 GiB, for which an A10G has no room next to the weights."""
    config = tmp_path / "config.json"
    reports = {}
    for factor in (1, 4):
        config.write_text(json.dumps({**CONFIG, "rope_scaling": {"type": "linear", "factor": factor}}))
        template = good()
        variant_of(template).update(
            InstanceType="ml.g5.2xlarge", InferenceAmiVersion="al2023-ami-sagemaker-inference-gpu-4-1"
        )
        container_of(template).update(Image=VLLM, Environment={"SM_VLLM_MODEL": "me/stretched"})
        template["Resources"]["Llama"] = component(copies=1, cpus=1, memory=1024)
        reports[factor] = check(template, models={"Llama": str(config)})

    assert [problem.rule for problem in reports[1].problems] == []
    assert [problem.rule for problem in reports[4].problems] == ["copy-without-memory"]


def test_a_plan_takes_lengths_up_to_the_stretched_context(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**CONFIG, "rope_scaling": {"type": "linear", "factor": 4}}))
    options: dict[str, Any] = {"model": "me/stretched", "config": str(config), "engine": "vllm-0.30.0", "copies": 1}

    def planned(tokens: int) -> None:
        copy = Component(**options, max_total_tokens=tokens)
        plan(Deployment(name="chat", instance_type="ml.p5.48xlarge", components=[copy]))

    planned(32768)
    with pytest.raises(SizingError, match="a context of 32768 tokens: set max_total_tokens=32768"):
        planned(32769)
