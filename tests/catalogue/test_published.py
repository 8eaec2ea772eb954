"""A model that is fetched from the Hub: its sizes against those that the Hub states, and its row of the table.

The sizes are those of the real Hub: `BF16: 8190735360` and `total_size: 16381470720` for Qwen/Qwen3-8B,
`BF16: 751632384` in one file of 1,503,300,328 bytes for Qwen/Qwen3-0.6B, whose tied head is stored a second time,
`F8_E4M3: 31205621760, BF16: 1558406144` for Qwen/Qwen3-32B-FP8,
`BF16: 3918786560, F8_E4M3: 680571043840, F32: 41555600` for deepseek-ai/DeepSeek-V3, `BF16: 27781427952` for
Qwen/Qwen3.5-27B.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from replicas.catalogue import adding, data
from replicas.catalogue.models import find_model
from tests.commands import Run
from tests.staging.hub import COMMIT, TOKEN, HubStandIn, Repository, running_hub

ARCHITECTURES = data.load("models")["architectures"]
FP8_BLOCKS = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
ON = ("--instance", "ml.g6e.12xlarge")


def repository(
    architecture: str, *, index: dict[str, Any] | None = None, config: dict[str, Any] | None = None, **more: Any
) -> Repository:
    content = {**ARCHITECTURES[architecture]["config"], **(config or {})}
    files = {"config.json": json.dumps(content).encode()}
    if index is not None:
        files["model.safetensors.index.json"] = json.dumps(index).encode()
    return Repository(files, **more)


def qwen3_8b(**more: Any) -> Repository:
    index = {"metadata": {"total_size": 16381470720}, "weight_map": {"lm_head.weight": "model-00005.safetensors"}}
    return repository("qwen3-8b", **{"index": index, "parameters": {"BF16": 8190735360}, **more})


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubStandIn]:
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "none"))
    for variable in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with running_hub() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        running.repositories["Qwen/Qwen3-8B"] = qwen3_8b()
        yield running


def test_a_model_whose_sizes_agree_is_planned_like_that_of_the_table(run: Run, hub: HubStandIn) -> None:
    (fetched,) = run("plan", "--model", "Qwen/Qwen3-8B", "--from-hub", *ON, "--json").json["components"]
    (known,) = run("plan", "--model", "Qwen/Qwen3-8B", *ON, "--json").json["components"]
    for field in ("model", "copies", "weights_gib_per_accelerator", "kv_cache_tokens"):
        assert fetched[field] == known[field]


@pytest.mark.parametrize(
    ("name", "made"),
    [
        (
            "Qwen/Qwen3-0.6B",
            repository("qwen3-0.6b", parameters={"BF16": 751632384}, sizes={"model.safetensors": 1503300328}),
        ),
        (
            "Qwen/Qwen3-32B-FP8",
            repository(
                "qwen3-32b",
                config={"quantization_config": FP8_BLOCKS},
                parameters={"F8_E4M3": 31205621760, "BF16": 1558406144},
            ),
        ),
        ("me/in-float32", qwen3_8b(parameters={"F32": 8190735360}, index={"metadata": {"total_size": 4 * 8190735360}})),
        (
            "deepseek-ai/DeepSeek-V3",  # its last layer predicts several tokens, with embeddings and a head of its own
            repository(
                "deepseek-v3",
                config={"quantization_config": FP8_BLOCKS},
                index={"metadata": {"total_size": 688575142480}},
                parameters={"BF16": 3918786560, "F8_E4M3": 680571043840, "F32": 41555600},
            ),
        ),
        ("Qwen/Qwen3.5-27B", repository("qwen3.5-27b", parameters={"BF16": 27781427952})),
        ("me/by-its-index-alone", qwen3_8b(parameters={})),
        ("me/by-the-count-alone", qwen3_8b(index=None)),
        ("me/rounded", qwen3_8b(index={"metadata": {"total_size": 16381470720 * 1.009}})),
    ],
)
def test_sizes_that_agree_within_a_hundredth_are_taken(run: Run, hub: HubStandIn, name: str, made: Repository) -> None:
    if made.sizes:
        made.files["model.safetensors"] = b"weights"
    hub.repositories[name] = made
    outcome = run("plan", "--model", name, "--from-hub", "--instance", "ml.p5en.48xlarge")
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (
            qwen3_8b(parameters={"BF16": 9000000000}),
            "its config.json gives 8,190,735,360 parameters, 9.0% less than the 9,000,000,000 that the Hub counts",
        ),
        (
            qwen3_8b(index={"metadata": {"total_size": 15000000000}}),
            "its config.json gives 16,381,470,720 bytes of weights, 9.2% more than the 15,000,000,000 that its",
        ),
        (
            repository(
                "qwen3-32b",
                config={"quantization_config": FP8_BLOCKS},
                index={"metadata": {"total_size": 65524246528}},
            ),
            "less than the 65,524,246,528 that its safetensors hold",
        ),
        (
            # An untied head is stored once: half a model more is not excused by it.
            qwen3_8b(parameters={"BF16": 8190735360 + 151936 * 4096}, index=None),
            "7.1% less than",
        ),
    ],
)
def test_a_difference_above_a_hundredth_is_an_error_that_says_so(
    run: Run, hub: HubStandIn, made: Repository, sentence: str
) -> None:
    hub.repositories["Qwen/Qwen3-8B"] = made
    outcome = run("plan", "--model", "Qwen/Qwen3-8B", "--from-hub", *ON)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err.startswith("Qwen/Qwen3-8B: its config.json gives")
    assert sentence in outcome.err
    assert "declare its sizes by hand with weights_gib= and kv_bytes_per_token=" in outcome.err
    declared = run("plan", "--model", "Qwen/Qwen3-8B", "--from-hub", *ON, "--weights-gib", "17")
    assert declared.code == 0


def test_a_repository_that_states_no_size_is_planned_and_that_is_said(run: Run, hub: HubStandIn) -> None:
    hub.repositories["Qwen/Qwen3-8B"] = qwen3_8b(parameters={}, index=None)
    outcome = run("plan", "--model", "Qwen/Qwen3-8B", "--from-hub", *ON)
    assert outcome.code == 0
    assert "the computed size of the weights is not verified" in outcome.err


def test_the_quantization_that_lies_beside_the_config_is_fetched_too(run: Run, hub: HubStandIn) -> None:
    """NVFP4: 6.95 B linear weights of 4.5 bits, and 1.24 B at two bytes."""
    made = qwen3_8b(parameters={}, index={"metadata": {"total_size": int(6946071552 * 0.5625 + 1244663808 * 2)}})
    made.files["hf_quant_config.json"] = json.dumps({"quantization": {"quant_algo": "NVFP4"}}).encode()
    hub.repositories["nvidia/Qwen3-8B-NVFP4"] = made
    (planned,) = run("plan", "--model", "nvidia/Qwen3-8B-NVFP4", "--from-hub", *ON, "--json").json["components"]
    assert planned["quantization"] == "nvfp4"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("org/none", "the Hub has no model 'org/none' that can be read without a token; set HF_TOKEN"),
        ("org/gated", "config.json of org/gated is gated and no token was given: accept its terms at"),
        ("org/only-gguf", "org/only-gguf has no config.json, so it cannot be sized"),
        ("org/broken", "model.safetensors.index.json is not an index of safetensors: the repository is damaged"),
    ],
)
def test_what_the_hub_does_not_give_is_one_sentence(run: Run, hub: HubStandIn, name: str, sentence: str) -> None:
    hub.repositories["org/gated"] = qwen3_8b(gated=True)
    hub.repositories["org/only-gguf"] = Repository({"model.gguf": b""})
    hub.repositories["org/broken"] = qwen3_8b(index=[])  # type: ignore[arg-type]
    outcome = run("plan", "--model", name, "--from-hub", *ON)
    assert (outcome.code, outcome.out) == (1, "")
    assert sentence in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_without_a_network_the_sentence_says_what_works(run: Run, hub: HubStandIn, monkeypatch: Any) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://user:secret@127.0.0.1:9")  # the discard port: nothing listens
    outcome = run("plan", "--model", "Qwen/Qwen3-8B", "--from-hub", *ON)
    assert outcome.code == 1
    assert "Qwen/Qwen3-8B cannot be read from the Hub: " in outcome.err
    assert "without a network, use --config FILE with a local config.json" in outcome.err
    assert "secret" not in outcome.err


@pytest.mark.parametrize("token", [TOKEN, "hf_" + "AnotherThatIsRefused", "hf_TheFirstPart TheSecondPart"])
def test_a_token_of_the_environment_is_used_and_never_printed(
    run: Run, hub: HubStandIn, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("HF_TOKEN", token)
    hub.repositories["org/gated"] = qwen3_8b(gated=True)
    outcome = run("plan", "--model", "org/gated", "--from-hub", *ON)
    assert outcome.code == (0 if token == TOKEN else 1)
    assert not any(part in outcome.out + outcome.err for part in (token, *token.split()))


# ---- the table


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "models.json"
    path.write_bytes(adding.TABLE.read_bytes())
    monkeypatch.setattr(adding.add_model, "__defaults__", (path,))
    return path


def row(table: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    content = json.loads(table.read_bytes())
    entry = content["models"][name]
    return entry, content["architectures"][entry["architecture"]]


def test_a_row_is_written_with_its_source_and_the_architecture_that_the_table_has(
    run: Run, hub: HubStandIn, table: Path
) -> None:
    hub.repositories["me/tuned"] = qwen3_8b(chat_template="{{ messages }}")
    outcome = run("models", "--add", "me/tuned", "--json")
    assert outcome.json[0]["parameters"] == 8190735360
    entry, architecture = row(table, "me/tuned")
    assert (entry["architecture"], entry["gated"], entry["chat"]) == ("qwen3-8b", False, True)
    assert entry["source"].startswith(f"{hub.url}/me/tuned at {COMMIT}, 20")
    assert "8190735360 BF16 by the Hub's count and 16381470720 bytes of safetensors" in entry["source"]
    assert architecture == ARCHITECTURES["qwen3-8b"]


def test_a_new_architecture_is_written_too_and_read_back_as_it_was(
    run: Run, hub: HubStandIn, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.repositories["me/Qwen3-8B"] = repository(
        "qwen3-8b",
        config={"num_hidden_layers": 20, "quantization_config": FP8_BLOCKS, "_name_or_path": "/home/me"},
        gated=True,
        index={"metadata": {"total_size": 6348425216}},
    )
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    outcome = run("models", "--add", "me/Qwen3-8B")
    assert outcome.code == 0, outcome.err
    assert f"added me/Qwen3-8B with a new architecture me-qwen3-8b to {table}" in outcome.out
    entry, architecture = row(table, "me/Qwen3-8B")
    assert (entry["gated"], entry["chat"], entry["checkpoint"]) == (True, False, {"quantization_config": FP8_BLOCKS})
    assert architecture["default_model"] == "me/Qwen3-8B"
    assert "_name_or_path" not in architecture["config"]
    assert TOKEN not in table.read_text()
    monkeypatch.setattr(data, "load", lambda _: json.loads(table.read_bytes()))
    find_model.cache_clear()
    found = find_model("me/Qwen3-8B")
    find_model.cache_clear()
    assert found.quantization is not None
    assert found.quantization.block == (128, 128)
    assert found.architecture.layers == 20


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("Qwen/Qwen3-8B", 2, "Qwen/Qwen3-8B is already in the table"),
        ("me/other-size", 1, "9.0% less than the 9,000,000,000 that the Hub counts"),
        ("me/unknown", 1, "me/unknown: model_type 'mystery' cannot be sized"),
    ],
)
def test_a_model_that_cannot_be_added_changes_nothing(
    run: Run, hub: HubStandIn, table: Path, name: str, code: int, sentence: str
) -> None:
    hub.repositories["me/other-size"] = qwen3_8b(parameters={"BF16": 9000000000})
    hub.repositories["me/unknown"] = qwen3_8b(config={"model_type": "mystery"})
    before = table.read_bytes()
    outcome = run("models", "--add", name)
    assert (outcome.code, outcome.out) == (code, "")
    assert sentence in outcome.err
    assert table.read_bytes() == before


def test_the_table_is_written_as_the_command_writes_it() -> None:
    """A row that is added changes the lines of that row alone."""
    assert adding.TABLE.read_text() == adding.written(json.loads(adding.TABLE.read_bytes()))
