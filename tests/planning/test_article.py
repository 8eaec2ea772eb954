"""The article's table, row by row, as `deployments.py` has it."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import pytest

from replicas import plan
from replicas.deployment.file import load_catalogue

ROOT = Path(__file__).parent.parent.parent
PLANS = {deployment.name: plan(deployment) for deployment in load_catalogue(ROOT / "deployments.py")}

# The article, 11 January 2024: model, quantization, copies. One p4d.24xlarge has 8 accelerators for them.
TABLE = {
    "llama-2-7b": ("llama-2-7b", None, 8),
    "llama-2-7b-gptq": ("llama-2-7b", "gptq", 8),
    "llama-2-7b-awq": ("llama-2-7b", "awq", 8),
    "llama-2-13b": ("llama-2-13b", None, 8),
    "llama-2-13b-gptq": ("llama-2-13b", "gptq", 8),
    "llama-2-13b-awq": ("llama-2-13b", "awq", 8),
    "llama-2-70b": ("llama-2-70b", None, 2),
    "llama-2-70b-gptq": ("llama-2-70b", "gptq", 4),
    "llama-2-70b-awq": ("llama-2-70b", "awq", 4),
}
rows = pytest.mark.parametrize("name", TABLE)


def test_the_catalogue_starts_with_the_table_in_its_order_and_the_mix() -> None:
    assert list(PLANS)[: len(TABLE) + 1] == [*TABLE, "llama-13b-mistral-7b"]


@rows
def test_a_row_runs_on_one_p4d(name: str) -> None:
    assert (PLANS[name].instance.name, PLANS[name].instances) == ("ml.p4d.24xlarge", 1)


@rows
def test_a_row_has_the_copies_of_the_article(name: str) -> None:
    (component,) = PLANS[name].components
    assert component.copies == TABLE[name][2]
    assert PLANS[name].placement == ((TABLE[name][2],),)


@rows
def test_a_row_uses_all_8_accelerators(name: str) -> None:
    (component,) = PLANS[name].components
    assert component.copies * component.accelerators == 8
    assert PLANS[name].accelerators_used == 8


@rows
def test_a_copy_claims_10_cpus_and_100_gib_for_each_of_its_accelerators(name: str) -> None:
    (component,) = PLANS[name].components
    each = 8 // TABLE[name][2]
    assert (component.cpus, component.memory_mib) == (10 * each, 100 * 1024 * each)


@rows
def test_all_claims_together_leave_the_host_something(name: str) -> None:
    (component,) = PLANS[name].components
    assert component.copies * component.cpus < 96
    assert component.copies * component.memory_mib < 1152 * 1024


@rows
def test_the_weights_are_stored_as_the_row_says(name: str) -> None:
    model, method, _ = TABLE[name]
    (component,) = PLANS[name].components
    assert (component.quantization.method if component.quantization else None) == method
    assert model in component.model.id.lower()


@rows
def test_the_container_is_the_articles(name: str) -> None:
    (component,) = PLANS[name].components
    assert component.engine.image is not None
    assert component.engine.image.repository == "huggingface-pytorch-tgi-inference"
    assert component.engine.image.tag == "2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04"


@rows
def test_the_environment_is_the_articles(name: str) -> None:
    _, method, copies = TABLE[name]
    (component,) = PLANS[name].components
    assert component.environment == {
        "HF_MODEL_ID": component.model.id,
        "SM_NUM_GPUS": str(8 // copies),
        "MAX_INPUT_LENGTH": "2048",
        "MAX_TOTAL_TOKENS": "4096",
        "MAX_BATCH_TOTAL_TOKENS": "16384",
        **({"HF_MODEL_QUANTIZE": method} if method else {}),
    }


@rows
def test_the_cache_holds_the_articles_batch_of_16384_tokens(name: str) -> None:
    (component,) = PLANS[name].components
    assert component.kv_cache_tokens >= 16_384
    assert component.concurrent_full_length_requests >= 4


@rows
def test_no_row_needs_a_token(name: str) -> None:
    (component,) = PLANS[name].components
    assert component.model.gated is False
    assert "token" not in json.dumps(dict(component.environment)).lower().replace("_tokens", "")


def test_13b_starts_within_the_articles_300_seconds_and_70b_is_given_more() -> None:
    assert PLANS["llama-2-13b"].components[0].startup_timeout_seconds == 300
    assert PLANS["llama-2-70b"].components[0].startup_timeout_seconds > 600


def test_the_mix_is_4_copies_of_each_model_on_one_instance() -> None:
    mix = PLANS["llama-13b-mistral-7b"]
    assert [(part.name, part.copies, part.accelerators) for part in mix.components] == [
        ("llama", 4, 1),
        ("mistral", 4, 1),
    ]
    assert mix.placement == ((4, 4),)


@pytest.mark.parametrize(("name", "number"), list(product(PLANS, ["copies", "cpus", "memory_mib", "kv_cache_tokens"])))
def test_every_number_of_every_deployment_has_a_reason(name: str, number: str) -> None:
    for component in PLANS[name].components:
        assert component.reasons[number]


def test_every_deployment_of_the_catalogue_is_proven_without_a_warning() -> None:
    assert {name: found.warnings for name, found in PLANS.items() if found.warnings} == {}
