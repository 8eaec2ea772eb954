"""The model table against what publishers, checkpoints and another project say of the same models."""

from __future__ import annotations

import contextlib
import json
import re
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replicas.catalogue import data
from replicas.catalogue.architecture import Architecture
from replicas.catalogue.checkpoint import read_quantization
from replicas.catalogue.models import find_model, model_from_config, model_ids, quantized_sibling, read_model
from replicas.catalogue.reading import read_config
from tests.examples import examples

TABLE = data.load("models")
ARCHITECTURES: dict[str, Any] = TABLE["architectures"]
MODELS: dict[str, Any] = TABLE["models"]

# NVIDIA's aiconfigurator ships config.json files as it downloaded them; names that changed on the Hub since.
RENAMED = {
    "meta-llama/Meta-Llama-3.1-8B": "meta-llama/Llama-3.1-8B",
    "meta-llama/Meta-Llama-3.1-70B": "meta-llama/Llama-3.1-70B",
}


def _shipped_configs() -> dict[str, dict[str, Any]]:
    if find_spec("aiconfigurator_core") is None:  # Linux on x86_64 only
        return {}
    folder = Path(str(files("aiconfigurator_core"))) / "model_configs"
    names = {file: file.name.removesuffix("_config.json").replace("--", "/") for file in folder.glob("*_config.json")}
    return {
        RENAMED.get(name, name): json.loads(file.read_text())
        for file, name in sorted(names.items())
        if not file.name.endswith("_hf_quant_config.json")
    }


SHIPPED = _shipped_configs()
BOTH = sorted(set(SHIPPED) & set(MODELS))
WITHOUT_TOWER = {"meta-llama/Llama-4-Scout-17B-16E-Instruct"}
"""Shipped without the vision_config of the real file."""
WHOLE = [model for model in BOTH if model not in WITHOUT_TOWER]
needs_shipped = pytest.mark.skipif(not SHIPPED, reason="aiconfigurator-core has no wheel for this platform")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_parameters_computed_from_a_config_are_the_published_count(name: str) -> None:
    entry = ARCHITECTURES[name]
    assert read_config(entry["config"]).parameters == entry["parameters"]


@needs_shipped
def test_enough_models_are_compared_with_the_shipped_configs() -> None:
    families = {MODELS[model]["architecture"] for model in BOTH}
    assert {"llama-3.1-8b", "llama-3.1-70b", "qwen3-8b", "qwen3-30b-a3b", "mixtral-8x7b", "gpt-oss-20b"} <= families


@needs_shipped
@pytest.mark.parametrize("model", BOTH)
def test_the_table_has_the_fields_of_the_real_config(model: str) -> None:
    assert _differences(ARCHITECTURES[MODELS[model]["architecture"]]["config"], SHIPPED[model]) == {}


def _differences(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """The fields of both that have different values, those of a part by its own fields."""
    different = {}
    for field in sorted((ours.keys() & theirs.keys()) - {"torch_dtype", "dtype"}):
        if isinstance(ours[field], dict) and isinstance(theirs[field], dict):
            different |= {f"{field}.{name}": pair for name, pair in _differences(ours[field], theirs[field]).items()}
        elif ours[field] != theirs[field]:
            different[field] = (ours[field], theirs[field])
    return different


@needs_shipped
@pytest.mark.parametrize("model", WHOLE)
def test_the_real_config_gives_the_published_count(model: str) -> None:
    assert read_config(SHIPPED[model]).parameters == ARCHITECTURES[MODELS[model]["architecture"]]["parameters"]


@needs_shipped
@pytest.mark.parametrize("model", WHOLE)
def test_the_real_config_gives_the_shape_of_the_table(model: str) -> None:
    assert read_config(SHIPPED[model]) == find_model(model).architecture


# What the code of vLLM 0.32.0 builds of the shipped configs on the meta device: parameters, layers that keep the whole
# request and layers with a window, and the bytes that one of them keeps of a block of 128 tokens (bfloat16).
BUILT_BY_VLLM = {
    "Qwen/Qwen3-0.6B": (596_049_920, 28, 0, 524_288),
    "Qwen/Qwen3-8B": (8_190_735_360, 36, 0, 524_288),
    "Qwen/Qwen3-32B": (32_762_123_264, 64, 0, 524_288),
    "Qwen/Qwen3-32B-FP8": (32_762_123_264, 64, 0, 524_288),
    "Qwen/Qwen3-30B-A3B-FP8": (30_532_122_624, 48, 0, 262_144),
    "Qwen/Qwen3-235B-A22B": (235_093_634_560, 94, 0, 262_144),
    "nvidia/Qwen3-235B-A22B-NVFP4": (235_093_634_560, 94, 0, 262_144),
    "meta-llama/Meta-Llama-3.1-405B": (405_853_388_800, 126, 0, 524_288),
    "mistralai/Mixtral-8x7B-v0.1": (46_702_792_704, 32, 0, 524_288),
    "openai/gpt-oss-120b": (116_829_156_672, 18, 18, 262_144),
    "openai/gpt-oss-20b": (20_914_757_184, 12, 12, 262_144),
}


@needs_shipped
@pytest.mark.parametrize("name", BUILT_BY_VLLM)
def test_a_real_config_has_the_parameters_and_the_layers_that_the_engine_builds(name: str) -> None:
    parameters, whole, windowed, block_bytes = BUILT_BY_VLLM[name]
    shape = read_config(SHIPPED[name])
    layers = {cache.kind: count for cache, count in shape.caches}
    assert shape.parameters == parameters
    assert (layers["full"], layers.get("window", 0)) == (whole, windowed)
    assert shape.kv_bytes_per_token(1, 2) == whole * block_bytes / 128
    assert shape.cached_bytes_per_token(1, 2) == (whole + windowed) * block_bytes / 128


def _size(name: str) -> Architecture | str:
    """The architecture of a shipped config, or why it is refused."""
    try:
        return model_from_config(SHIPPED[name], name, "test").architecture
    except ValueError as refusal:
        return str(refusal)


@needs_shipped
@pytest.mark.parametrize("name", SHIPPED)
def test_a_real_config_of_any_family_is_sized_or_refused(name: str) -> None:
    outcome = _size(name)
    if isinstance(outcome, str):
        assert re.search(r"cannot be sized|lacks the field|wrong type", outcome)
    else:
        assert all(mixer.heads % (mixer.kv_heads or 1) == 0 for mixer in outcome.mixers)
        assert 0 < outcome.kv_bytes_per_token(1, 2) < 10e6
        assert 1e8 < outcome.parameters < 5e12


_SIZE_IN_NAME = {
    name: float(size.group(1)) * (float(experts.group(1)) if experts else 1)
    for name in SHIPPED
    for experts in [re.search(r"-(\d+)x\d+B", name)]
    for size in [re.search(r"(?:-|x)(\d+(?:\.\d+)?)[Bb](?![a-z])", name)]
    if size and "Llama-4" not in name  # its names say the active parameters
}
"""Billions of parameters as the name says; experts share their attention, so `8x22B` is an upper bound."""


@needs_shipped
@pytest.mark.parametrize("name", _SIZE_IN_NAME)
def test_a_config_that_can_be_sized_gives_about_the_parameters_in_the_name_of_the_model(name: str) -> None:
    outcome = _size(name)
    if not isinstance(outcome, str):
        assert 0.75 * _SIZE_IN_NAME[name] < outcome.parameters / 1e9 < 1.15 * _SIZE_IN_NAME[name] + 0.5


@needs_shipped
@pytest.mark.parametrize(
    ("name", "billions"),
    [
        # Total parameters by their model cards. As dense Llamas they would have 5, 16 and 12.
        ("MiniMaxAI/MiniMax-M2.5", 230),
        ("XiaomiMiMo/MiMo-V2-Flash", 309),
    ],
)
def test_a_family_with_experts_is_counted_whole(name: str, billions: float) -> None:
    assert read_config(SHIPPED[name]).parameters / 1e9 == pytest.approx(billions, rel=0.01)


@pytest.mark.parametrize("model", [name for name, entry in MODELS.items() if "weights_gb" in entry])
def test_quantized_weights_take_the_bytes_of_the_published_files(model: str) -> None:
    assert find_model(model).weights_bytes / 1e9 == pytest.approx(MODELS[model]["weights_gb"], rel=0.005)


@pytest.mark.parametrize(
    ("model", "tensor_parallel", "gib"),
    [
        # "Loading model weights took ... GiB", printed by vLLM (notes of published_kv_cache.json).
        ("meta-llama/Llama-3.1-8B-Instruct", 1, 14.99),
        ("Qwen/Qwen2.5-7B-Instruct", 1, 14.25),
        ("codellama/CodeLlama-7b-hf", 1, 12.56),
        ("Qwen/Qwen3-14B", 1, 27.52),
        ("Qwen/Qwen3-32B", 1, 61.03),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", 2, 33.88),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", 4, 16.96),
    ],
)
def test_weights_take_the_gib_that_an_engine_printed(model: str, tensor_parallel: int, gib: float) -> None:
    assert find_model(model).weights_bytes / tensor_parallel / 2**30 == pytest.approx(gib, rel=0.01)


@pytest.mark.parametrize(
    ("model", "bytes_per_token"),
    [
        ("meta-llama/Llama-2-7b-hf", 524_288),
        ("meta-llama/Llama-2-13b-hf", 819_200),
        ("meta-llama/Llama-2-70b-hf", 327_680),
        ("meta-llama/Llama-3.1-8B", 131_072),
        ("Qwen/Qwen3-14B", 163_840),
        ("Qwen/Qwen3-32B", 262_144),
        # One KV head for all 48: 2 x 40 layers x 128 x 2 bytes, BigCode's paper (multi-query attention).
        ("bigcode/starcoder", 20_480),
    ],
)
def test_a_token_takes_the_published_bytes_of_kv_cache(model: str, bytes_per_token: int) -> None:
    assert find_model(model).architecture.kv_bytes_per_token(1, 2) == bytes_per_token


def test_kv_heads_are_repeated_where_there_are_fewer_than_accelerators() -> None:
    falcon = find_model("tiiuae/falcon-7b").architecture
    assert falcon.kv_bytes_per_token(8, 2) == falcon.kv_bytes_per_token(1, 2)


REQUIRED = [
    "meta-llama/Llama-2-7b-hf",
    "meta-llama/Llama-2-7b-chat-hf",
    "meta-llama/Llama-2-13b-hf",
    "meta-llama/Llama-2-13b-chat-hf",
    "meta-llama/Llama-2-70b-hf",
    "meta-llama/Llama-2-70b-chat-hf",
    "NousResearch/Llama-2-7b-chat-hf",
    "NousResearch/Llama-2-13b-chat-hf",
    "NousResearch/Llama-2-70b-chat-hf",
    "TheBloke/Llama-2-7B-Chat-GPTQ",
    "TheBloke/Llama-2-7B-Chat-AWQ",
    "TheBloke/Llama-2-13B-chat-GPTQ",
    "TheBloke/Llama-2-13B-chat-AWQ",
    "TheBloke/Llama-2-70B-Chat-GPTQ",
    "TheBloke/Llama-2-70B-Chat-AWQ",
    "codellama/CodeLlama-7b-hf",
    "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.1-70B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct",
    "mistralai/Mistral-7B-Instruct-v0.1",
    "mistralai/Mistral-7B-Instruct-v0.2",
    "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "Qwen/Qwen2.5-7B-Instruct",
    "Qwen/Qwen3-8B",
    "google/gemma-2-9b-it",
    "microsoft/Phi-3-mini-4k-instruct",
    "tiiuae/falcon-7b",
    "tiiuae/falcon-40b",
    "bigcode/starcoder",
    "bigcode/starcoder2-15b",
    "google/flan-t5-xl",
    "google/flan-t5-xxl",
]


@pytest.mark.parametrize("model", REQUIRED)
def test_the_table_has_the_models_people_deploy(model: str) -> None:
    assert find_model(model).id == model


def test_the_table_has_at_least_25_models_of_as_many_shapes() -> None:
    assert len(model_ids()) >= 25
    assert len({MODELS[model]["architecture"] for model in model_ids()}) >= 25


@pytest.mark.parametrize("model", MODELS)
def test_each_model_says_where_its_facts_come_from_and_whether_it_is_gated_and_chats(model: str) -> None:
    facts = find_model(model)
    assert len(facts.source) > 10
    assert isinstance(facts.gated, bool)
    assert isinstance(facts.chat, bool)


def test_the_publishers_repositories_are_gated_and_the_copies_are_not() -> None:
    gated = {model.split("/")[0] for model in MODELS if find_model(model).gated}
    assert gated == {"meta-llama", "google", "bigcode"}
    assert not find_model("google/flan-t5-xl").gated  # Apache-2.0, unlike Gemma
    assert not find_model("bigcode/starcoder2-15b").gated


@pytest.mark.parametrize("short", ARCHITECTURES)
def test_a_short_name_is_a_repository_of_that_shape_that_needs_no_token_where_there_is_one(short: str) -> None:
    model = find_model(short)
    assert MODELS[model.id]["architecture"] == short
    ungated = [name for name, entry in MODELS.items() if entry["architecture"] == short and not entry["gated"]]
    assert model.gated is not True or not ungated


def test_names_are_found_in_upper_and_lower_case() -> None:
    assert find_model("thebloke/llama-2-13b-CHAT-awq").id == "TheBloke/Llama-2-13B-chat-AWQ"


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(
        LookupError, match=r"'TheBloke/Llama-2-13B-AWK' is not in the table; near: TheBloke/Llama-2-13B"
    ):
        find_model("TheBloke/Llama-2-13B-AWK")


def test_the_quantized_sibling_of_a_chat_model_chats() -> None:
    assert quantized_sibling(find_model("llama-2-70b"), "gptq") == "TheBloke/Llama-2-70B-Chat-GPTQ"
    assert quantized_sibling(find_model("meta-llama/Llama-2-70b-hf"), "gptq") == "TheBloke/Llama-2-70B-GPTQ"
    assert quantized_sibling(find_model("google/flan-t5-xl"), "awq") is None


LLAMA_CONFIG: dict[str, Any] = ARCHITECTURES["llama-2-7b"]["config"]


@pytest.mark.parametrize(
    "field", ["hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size", "intermediate_size"]
)
def test_a_config_without_a_field_that_sizes_it_names_the_field(field: str) -> None:
    config = {key: value for key, value in LLAMA_CONFIG.items() if key != field}
    with pytest.raises(ValueError, match=rf"'llama' lacks the field '{field}', which sizing needs: download"):
        read_config(config)


def test_a_config_with_text_for_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match=r"'llama': hidden_size is not a positive integer: '4096'"):
        read_config({**LLAMA_CONFIG, "hidden_size": "4096"})


def test_a_family_without_a_formula_is_never_sized_as_llama() -> None:
    with pytest.raises(
        ValueError, match=r"model_type 'newcomer' cannot be sized: no sizing formula is known for this family"
    ):
        read_config({**LLAMA_CONFIG, "model_type": "newcomer"})


WRONG_VALUES = (
    st.none() | st.integers(-5, 10**6) | st.just("") | st.booleans() | st.floats() | st.just({}) | st.just([])
)
FAMILIES = ["falcon", "gemma2", "gpt_bigcode", "gpt_oss", "llama", "mixtral", "qwen3", "starcoder2", "t5", "other"]


@examples(100)
@given(
    st.dictionaries(st.sampled_from([*LLAMA_CONFIG, "head_dim", "num_local_experts", "bias"]), WRONG_VALUES),
    st.sampled_from(FAMILIES),
)
def test_a_config_with_any_values_is_sized_or_refused_with_a_value_error(wrong: dict[str, Any], family: str) -> None:
    with contextlib.suppress(ValueError):
        read_config({**LLAMA_CONFIG, **wrong, "model_type": family})


@pytest.mark.parametrize("wrong", [0, -32, 2.5, True])
def test_a_config_with_no_whole_number_of_layers_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="num_hidden_layers"):
        read_config({**LLAMA_CONFIG, "num_hidden_layers": wrong})


@given(
    st.dictionaries(
        st.sampled_from(["quant_method", "bits", "group_size", "config_groups", "load_in_4bit"]),
        WRONG_VALUES | st.sampled_from(["gptq", "awq", "fp8", "compressed-tensors"]),
    )
    | WRONG_VALUES
)
def test_a_quantization_of_any_values_is_read_or_refused_with_a_value_error(declared: object) -> None:
    with contextlib.suppress(ValueError):
        read_quantization({"quantization_config": declared})


def test_a_config_is_read_from_its_file_or_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(LLAMA_CONFIG))
    assert read_model(tmp_path, "mine") == read_model(tmp_path / "config.json", "mine")
    assert read_model(tmp_path).id == tmp_path.name


def test_a_config_under_another_file_name_is_named_by_it(tmp_path: Path) -> None:
    (tmp_path / "ernie21b.json").write_text(json.dumps(LLAMA_CONFIG))

    assert read_model(tmp_path / "ernie21b.json").id == "ernie21b"


def test_a_missing_config_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be read: '.*nowhere.json': No such file"):
        read_model(tmp_path / "nowhere.json")


def test_a_folder_without_a_config_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be read: '.*config.json': No such file"):
        read_model(tmp_path)


def test_broken_json_is_refused_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": ')
    with pytest.raises(ValueError, match=r"config.json is not JSON: it is cut off at line 1, column 17"):
        read_model(tmp_path)


@pytest.mark.parametrize(
    ("declared", "method", "bits"),
    [
        ({"quant_method": "gptq", "bits": 8, "group_size": 32}, "gptq", 8),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, "awq", 4),
        ({"quant_method": "fp8"}, "fp8", 8),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, "bitsandbytes-nf4", 4),
        (
            {"quant_method": "compressed-tensors", "config_groups": {"g": {"weights": {"num_bits": 8}}}},
            "compressed-tensors",
            8,
        ),
    ],
)
def test_a_config_says_how_its_weights_are_stored(declared: dict[str, Any], method: str, bits: int) -> None:
    model = model_from_config({**LLAMA_CONFIG, "quantization_config": declared}, "any", "test")
    assert model.quantization is not None
    assert (model.quantization.method, model.quantization.bits) == (method, bits)


def test_an_unknown_quantization_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"quant_method 'hqq' cannot be sized; known: gptq"):
        model_from_config({**LLAMA_CONFIG, "quantization_config": {"quant_method": "hqq"}}, "any", "test")
