"""Which files of a repository are staged: weights in one form, and what an engine reads beside them."""

from __future__ import annotations

import pytest

from replicas.catalogue.hub import HubFile
from replicas.errors import OperationError
from replicas.staging.selection import select
from tests.staging.hub import git_sha1


def chosen(*names: str, **contents: str) -> set[str]:
    files = dict.fromkeys(("config.json", *names), b"{}") | {
        name.replace("__", "."): text.encode() for name, text in contents.items()
    }
    listed = [HubFile(path, len(body), git_sha1(body), None) for path, body in files.items()]
    return {file.path for file in select(listed, lambda file: files[file.path]).files}


@pytest.mark.parametrize(
    ("names", "weights"),
    [
        (["model.safetensors", "model.fp16.safetensors", "pytorch_model.bin"], {"model.safetensors"}),
        (["gptq_model-4bit-128g.safetensors", "model.gguf"], {"gptq_model-4bit-128g.safetensors"}),
        (["pytorch_model.bin", "optimizer.bin", "flax_model.msgpack"], {"pytorch_model.bin"}),
        (["adapter_model.safetensors", "adapter_config.json"], {"adapter_model.safetensors"}),
        (["consolidated.safetensors", "model.safetensors"], {"model.safetensors"}),
    ],
)
def test_weights_are_staged_in_one_form(names: list[str], weights: set[str]) -> None:
    assert {path for path in chosen(*names) if not path.endswith(".json")} == weights


def test_the_parameters_of_the_other_form_stay_behind() -> None:
    assert "params.json" not in chosen("params.json", "model.safetensors", "consolidated.safetensors", "tekken.json")
    assert {"params.json", "tekken.json"} <= chosen("params.json", "consolidated.safetensors", "tekken.json")


@pytest.mark.parametrize(
    ("names", "contents", "words"),
    [
        (
            ["a.gguf", "onnx/model.onnx"],
            {},
            "no weights that .* load from its top level .* it has weights in gguf, onnx",
        ),
        (["model.safetensors"], {"config__json": "no JSON"}, "config.json is not a JSON object"),
        (
            ["model-00001-of-00002.safetensors"],
            {"model__safetensors__index__json": '{"weight_map": {"a": "model-00002-of-00002.safetensors"}}'},
            "lists shards that the repository does not have: model-00002-of-00002.safetensors",
        ),
        (
            ["model.safetensors"],
            {"config__json": '{"auto_map": {"AutoModel": "modeling_x.X"}}'},
            "the model needs modeling_x.py, which the repository does not have",
        ),
    ],
)
def test_a_repository_that_cannot_serve(names: list[str], contents: dict[str, str], words: str) -> None:
    with pytest.raises(OperationError, match=words):
        chosen(*names, **contents)
