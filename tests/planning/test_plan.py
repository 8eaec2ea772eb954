"""`plan()` over deployments of every kind: a plan that an independent checker accepts, or a refusal that helps."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given
from hypothesis import strategies as st

from replicas import Component, Deployment, EndpointPlan, plan
from replicas.catalogue import data
from replicas.catalogue.instances import instance_types
from replicas.catalogue.models import model_ids
from replicas.engines import image_versions
from replicas.errors import SizingError
from tests.examples import examples
from tests.planning.build import P4D, deployment

MODELS = data.load("models")

# ---- the checker: hardware from EC2's own dump (moto), shapes from the raw configs, arithmetic of its own


@cache
def _hardware() -> dict[str, dict[str, Any]]:
    dump = files("moto.ec2").joinpath("resources/instance_types.json.gz").read_bytes()
    content: dict[str, dict[str, Any]] = json.loads(gzip.decompress(dump))
    return content


def _host(instance_type: str) -> tuple[int, int, int, int]:
    """Accelerators, memory of each, vCPU and memory of an instance type, as EC2 describes it."""
    facts = _hardware()[instance_type.removeprefix("ml.")]
    (devices,) = facts["GpuInfo"]["Gpus"] if "GpuInfo" in facts else facts["NeuronInfo"]["NeuronDevices"]
    memory = facts["MemoryInfo"]["SizeInMiB"]
    return devices["Count"], devices["MemoryInfo"]["SizeInMiB"], facts["VCpuInfo"]["DefaultVCpus"], memory


def _config(model: str) -> dict[str, Any]:
    """The fields of the language model, which a model with a tower has in a part of its own."""
    config: dict[str, Any] = MODELS["architectures"][MODELS["models"][model]["architecture"]]["config"]
    return {**config, **config.get("text_config", {})}


def _least_weights(model: str) -> float:
    """Bytes below which no checkpoint of the model is: four bits a parameter where it may be quantized."""
    return float(MODELS["architectures"][MODELS["models"][model]["architecture"]]["parameters"]) * 0.5


def _kv_bytes(config: dict[str, Any], heads: int, split: int) -> int:
    """Bytes that a token takes at least in the cache of one accelerator, keys and values of two bytes: a layer with a
    window forgets it.
    """
    if config.get("kv_lora_rank"):  # one latent vector for all heads, whole on each accelerator
        return 2 * int(config["num_hidden_layers"]) * int(config["kv_lora_rank"] + config["qk_rope_head_dim"])
    if "full_attention_interval" in config or config["model_type"] == "llama4_text":  # one of four keeps the request
        config = {**config, "num_hidden_layers": int(config["num_hidden_layers"]) // 4}
    elif "layer_types" in config:
        config = {**config, "num_hidden_layers": config["layer_types"].count("full_attention"), "sliding_window": None}
    if config.get("global_head_dim"):
        split *= 2 if config.get("attention_k_eq_v") else 1
        config = {**config, "head_dim": config["global_head_dim"]}
        config["num_key_value_heads"] = config.get("num_global_key_value_heads") or config["num_key_value_heads"]
    kv_heads = config.get("num_key_value_heads") or config.get("num_kv_heads") or heads
    if config.get("multi_query") and not config.get("new_decoder_architecture"):
        kv_heads = 1
    layers = next(config[key] for key in ("num_decoder_layers", "num_hidden_layers", "n_layer") if key in config)
    if "kv_lora_rank" in config:  # one latent vector, whole on each accelerator
        return 2 * int(layers) * (config["kv_lora_rank"] + config["qk_rope_head_dim"])
    if config.get("layer_types"):
        layers = config["layer_types"].count("full_attention")
    elif config.get("attention_chunk_size") or "linear_num_value_heads" in config:
        layers = int(layers) // 4  # one layer of four keeps every token
    elif config.get("sliding_window") and config.get("use_sliding_window", True):
        layers = int(layers) // 2 if config["model_type"] in ("gemma2", "gpt_oss") else 0
    hidden = next(config[key] for key in ("hidden_size", "n_embd", "d_model") if key in config)
    head = config.get("head_dim") or config.get("d_kv") or hidden // heads
    return 2 * 2 * int(layers) * -(-int(kv_heads) // split) * int(head)


def assert_proven(found: EndpointPlan) -> None:
    """What a plan promises, from outside: placement, accelerators, CPU, memory, card, split, cache."""
    accelerators, card_mib, vcpus, memory_mib = _host(found.instance.name)
    assert len(found.placement) == found.instances
    assert tuple(map(sum, zip(*found.placement, strict=True))) == tuple(part.copies for part in found.components)
    for row in found.placement:
        pairs = list(zip(row, found.components, strict=True))
        assert all(count >= 0 for count in row)
        assert sum(count * part.accelerators for count, part in pairs) <= accelerators
        assert sum(count * part.cpus for count, part in pairs) <= vcpus + 1e-6
        assert sum(count * part.memory_mib for count, part in pairs) <= memory_mib
    for part in found.components:
        config = _config(part.model.id)
        heads = config.get("num_attention_heads") or config.get("n_head") or config["num_heads"]
        assert part.copies >= 1
        assert heads % part.accelerators == 0
        keeps_tokens = config["model_type"] != "xlm-roberta"  # an encoder keeps none
        assert part.kv_cache_tokens >= part.max_total_tokens * keeps_tokens
        room = part.max_total_tokens - part.max_input_tokens
        assert room > 0 if part.task == "generate" else room == 0  # an embedding has no answer to leave room for
        context = config.get("max_position_embeddings") or config.get("n_positions")
        assert part.max_total_tokens <= context or config["model_type"] == "t5"
        assert part.cpus >= 0.25
        assert part.memory_mib >= 128
        assert 60 <= part.startup_timeout_seconds <= 3600
        weights = _least_weights(part.model.id) / part.accelerators
        cached = part.kv_cache_tokens * _kv_bytes(config, heads, part.accelerators)
        assert weights + cached < card_mib * 2**20 * part.memory.share
        assert all(isinstance(value, str) and len(value) <= 1024 for value in part.environment.values())


def assert_helpful(refusal: SizingError) -> None:
    """A refusal says what was given (a number or a name) and what to change (a clause of its own)."""
    assert refusal.problems
    for problem in refusal.problems:
        assert re.search(r"\d|'[^']*'|\"[^\"]*\"|\w+=|: [\w./, -]+$", problem), problem
        assert re.search(r"[:;.] \S", problem), problem
        assert "\n" not in problem
        assert problem in str(refusal)


# ---- deployments of every kind

odd_text = st.sampled_from(["", " ", "?", "ml.", "a/b", "7b", "\x00", "é", "-1", "None", "x" * 300]) | st.text(
    max_size=8
)
engines = st.one_of(
    st.sampled_from(["vllm", "tgi"]),
    st.sampled_from([f"{name}-{version}" for name in ("tgi", "vllm") for version in image_versions(name)]),
    st.sampled_from(["vllm-0.2.5", "vllm-0.19.0", "vllm-1.0", "vllm-0.1", "tgi-9.9.9", "tgi-0.1", "djl", "tgi-", "-"]),
)
tokens = st.none() | st.sampled_from([1, 16, 512, 2048, 4096, 8192, 20_000, 131_072, 10**7])
components = st.builds(
    Component,
    model=st.sampled_from(model_ids()) | st.sampled_from(["llama-2-13b", "qwen3-8b", "nothing"]),
    name=st.none() | st.sampled_from(["a", "b", "c", "1"]),
    engine=engines,
    quantization=st.none() | st.sampled_from(["awq", "gptq", "fp8", "bitsandbytes-nf4", "eetq", "mxfp4", "zip"]),
    copies=st.none() | st.integers(1, 20),
    tensor_parallel=st.none() | st.sampled_from([1, 2, 3, 4, 5, 8, 16]),
    cpus=st.none() | st.floats(0.25, 100) | st.floats(),
    memory_mib=st.none() | st.sampled_from([128, 1024, 4096, 40_000, 102_400, 10**7]),
    max_total_tokens=tokens,
    max_input_tokens=tokens,
    max_batch_prefill_tokens=tokens,
    min_kv_cache_tokens=tokens,
    max_sequences=st.none() | st.sampled_from([1, 64, 1024]),
    gpu_memory_share=st.none() | st.floats(0, 1),
    weights=st.none() | st.just("s3://bucket/prefix/"),
    token_secret=st.none() | st.just("hugging-face"),
    revision=st.none() | st.just("main"),
)
all_types = sorted(instance_types())
deployments = st.builds(
    Deployment,
    name=st.just("chat"),
    instance_type=st.sampled_from(all_types),
    components=st.lists(components, min_size=1, max_size=3),
    instances=st.integers(1, 3),
    region=st.none() | st.sampled_from(["us-west-2", "us-east-1", "eu-west-3", "cn-north-1", "moon"]),
    network_isolation=st.booleans(),
)
# Fewer wishes, so that about half of them fit.
modest = st.builds(
    deployment,
    model=st.sampled_from(model_ids()),
    engine=st.sampled_from(["vllm", "tgi", "tgi-3.3.6", "vllm-0.19.0"]),
    instance_type=st.sampled_from([P4D, "ml.g5.12xlarge", "ml.g6e.48xlarge", "ml.p5.48xlarge", "ml.g5.2xlarge"]),
    instances=st.integers(1, 3),
    copies=st.none() | st.integers(1, 24),
    tensor_parallel=st.none() | st.sampled_from([1, 2, 4]),
    cpus=st.none() | st.sampled_from([1.0, 4.5, 10.0, 24.0]),
    memory_mib=st.none() | st.sampled_from([1024, 30_000, 102_400]),
    max_total_tokens=st.none() | st.sampled_from([1024, 2048, 4096]),
    max_input_tokens=st.none() | st.sampled_from([500, 1000, 6000, 20_000]),
)
SLOW_IS_FINE = [HealthCheck.too_slow, HealthCheck.filter_too_much]
# Hardly any of them fit.
tight = st.builds(
    deployment,
    model=st.sampled_from(["llama-2-70b", "llama-2-13b", "qwen2.5-72b", "falcon-40b", "mixtral-8x7b", "qwen3-32b"]),
    engine=st.sampled_from(["vllm", "tgi"]),
    instance_type=st.sampled_from(["ml.g5.12xlarge", "ml.g5.2xlarge", "ml.g6e.2xlarge", P4D]),
    tensor_parallel=st.none() | st.sampled_from([1, 2]),
    max_total_tokens=st.none() | st.just(2048),
    min_kv_cache_tokens=st.none() | st.sampled_from([8192, 100_000, 10**6]),
)
many = examples(100, suppress_health_check=SLOW_IS_FINE)
some = examples(40, suppress_health_check=SLOW_IS_FINE)


def _plan(wished: Deployment, **how: Any) -> EndpointPlan | SizingError:
    try:
        return plan(wished, **how)
    except SizingError as refusal:
        return refusal


def _check(outcome: EndpointPlan | SizingError) -> None:
    if isinstance(outcome, SizingError):
        assert_helpful(outcome)
    else:
        assert_proven(outcome)


@many
@given(deployments, st.booleans())
def test_any_deployment_is_proven_or_refused_with_help(wished: Deployment, to_deploy: bool) -> None:
    _check(_plan(wished, to_deploy=to_deploy))


@many
@given(modest)
def test_a_modest_deployment_is_proven_or_refused_with_help(wished: Deployment) -> None:
    _check(_plan(wished, to_deploy=False))


@some
@given(modest, modest, st.integers(1, 3))
def test_two_models_on_one_endpoint_are_proven_or_refused_with_help(
    one: Deployment, other: Deployment, instances: int
) -> None:
    both = [replace(one.components[0], name="one"), replace(other.components[0], name="other")]
    _check(_plan(replace(one, components=both, instances=instances), to_deploy=False))


@some
@given(odd_text, st.sampled_from(["model", "engine", "quantization", "instance_type", "region", "endpoint_name"]))
def test_any_text_for_a_name_is_taken_or_refused_with_help(text: str, field: str) -> None:
    _check(_plan(deployment(**{field: text})))


_WISHES = [field for field in Component.__dataclass_fields__ if field != "config"]


@many
@given(
    st.sampled_from([*_WISHES, "instance_type", "instances", "region", "account", "components", "network_isolation"]),
    st.none()
    | st.integers(-2, 10**30)
    | st.floats()
    | odd_text
    | st.booleans()
    | st.just([])
    | st.just({})
    | st.just({1: 2})
    | st.binary(max_size=3),
)
def test_a_value_of_any_type_is_taken_or_refused_with_help(field: str, value: object) -> None:
    assume(field not in ("copies", "instances") or not isinstance(value, int) or value < 100)
    assume(not (field == "components" and value in (None, [])))
    _check(_plan(deployment(**{field: value})))


@some
@given(modest)
def test_a_plan_that_fits_with_some_copies_fits_with_one_less(wished: Deployment) -> None:
    found = _plan(wished, to_deploy=False)
    assume(not isinstance(found, SizingError))
    assert isinstance(found, EndpointPlan)
    copies = found.components[0].copies
    for fewer in {1, copies - 1, copies} - {0}:
        less = plan(_with_copies(wished, fewer), to_deploy=False)
        assert less.components[0].copies == fewer


@some
@given(modest)
def test_as_many_as_fit_is_the_most_that_fit(wished: Deployment) -> None:
    found = _plan(_with_copies(wished, None), to_deploy=False)
    assume(not isinstance(found, SizingError))
    assert isinstance(found, EndpointPlan)
    with pytest.raises(SizingError, match=r"copies"):
        plan(_with_copies(_with_degrees(wished, found), found.components[0].copies + 1), to_deploy=False)


@some
@given(modest, modest)
def test_as_many_as_fit_of_two_models_leaves_room_for_no_further_copy(one: Deployment, other: Deployment) -> None:
    both = [replace(wished.components[0], name=name, copies=None) for name, wished in [("one", one), ("other", other)]]
    found = _plan(replace(one, components=both), to_deploy=False)
    assume(not isinstance(found, SizingError))
    assert isinstance(found, EndpointPlan)
    counts = [part.copies for part in found.components]
    for index in range(2):
        wish = [replace(both[i], copies=counts[i] + (i == index)) for i in range(2)]
        with pytest.raises(SizingError):
            plan(_with_degrees(replace(one, components=wish), found), to_deploy=False)


def _with_degrees(wished: Deployment, found: EndpointPlan) -> Deployment:
    """Return the deployment with the degrees that were planned: with others, other numbers of copies fit."""
    pairs = zip(wished.components, found.components, strict=True)
    return replace(wished, components=[replace(wish, tensor_parallel=part.accelerators) for wish, part in pairs])


def _with_copies(wished: Deployment, copies: int | None) -> Deployment:
    return replace(wished, components=[replace(wished.components[0], copies=copies)])


# ---- the fixes that a refusal names are tried: they must help


def _fixed(wished: Deployment, field: str, value: str, of: str | None) -> Deployment:
    if field == "instances":
        return replace(wished, instances=int(value))
    if field == "instance_type":
        return replace(wished, instance_type=value)
    typed = value if field == "model" else int(value)
    components = [replace(part, **{field: typed}) if of in (None, part.name) else part for part in wished.components]
    return replace(wished, components=components)


def _plan_as_fixed(wished: Deployment, *, only: tuple[str, ...] | None = None, words: str = "") -> None:
    """Plan a deployment with each change that its only problem, with some words in it, offers for some fields."""
    refusal = _plan(wished, to_deploy=False)
    assume(isinstance(refusal, SizingError) and len(refusal.problems) == 1 and words in refusal.problems[0])
    assert isinstance(refusal, SizingError)
    for field, value, of in fixes(refusal.problems[0]):
        if only is None or field in only:
            plan(_fixed(wished, field, value, of), to_deploy=False)


_FIX = re.compile(
    r"(?:, or |: )(?:(?:(?:set|use) )?(?:quantized weights with )?(\w+)='?([\w./-]+?)'?(?: of "
    r"(\w+))?|(\d+) (instances))(?=, or |$)"
)


def fixes(problem: str) -> list[tuple[str, str, str | None]]:
    """The changes that a problem offers: field, value, component."""
    return [(field or more, value or number, of or None) for field, value, of, number, more in _FIX.findall(problem)]


def test_the_fixes_of_a_problem_are_read() -> None:
    assert fixes("9 copies need 9; x has 8: set copies=8, or instances=2") == [
        ("copies", "8", None),
        ("instances", "2", None),
    ]
    assert fixes(
        "needs 67: set tensor_parallel=4, or use quantized weights with model='a/b', or use instance_type='ml.x'"
    ) == [
        ("tensor_parallel", "4", None),
        ("model", "a/b", None),
        ("instance_type", "ml.x", None),
    ]


@many
@given(modest.map(lambda wished: replace(wished, components=[replace(wished.components[0], copies=20)])))
def test_fewer_copies_or_more_instances_that_a_refusal_names_fit(wished: Deployment) -> None:
    _plan_as_fixed(wished, only=("copies", "instances"))


@some
@given(modest, modest)
def test_fewer_copies_of_one_of_two_models_that_a_refusal_names_fit(one: Deployment, other: Deployment) -> None:
    both = [replace(one.components[0], name="one"), replace(other.components[0], name="other")]
    wished = replace(one, components=both)
    _plan_as_fixed(wished, only=("copies", "instances"))


@some
@given(tight)
def test_every_other_change_that_a_refusal_names_makes_a_copy_fit(wished: Deployment) -> None:
    _plan_as_fixed(wished, words="GiB on")
