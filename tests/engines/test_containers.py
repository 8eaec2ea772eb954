"""Any container image and its variables: which engine, which version, which model, how it is asked."""

from __future__ import annotations

import pytest

from replicas.engines import (
    dialect_of_image,
    engine_kinds,
    engine_names,
    engine_of_image,
    hub_token_variables,
    image_versions,
    model_of,
    repository_and_tag,
)

HOST = "763104351884.dkr.ecr.us-west-2.amazonaws.com"
TGI_1, TGI_3 = "2.0.1-tgi1.1.0-gpu-py39-cu118-ubuntu20.04", "2.7.0-tgi3.3.6-gpu-py311-cu124-ubuntu22.04"


@pytest.mark.parametrize(
    ("image", "engine", "version"),
    [
        (f"{HOST}/huggingface-pytorch-tgi-inference:{TGI_1}", "tgi", "1.1.0"),
        (f"{HOST}/huggingface-vllm:0.29.0-transformers5.15.0-gpu-py312-cu130-ubuntu24.04-v1.0", "vllm", "0.29.0"),
        (f"{HOST}/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker", "vllm", "0.30.0"),
        (f"{HOST}/vllm:server-sagemaker-cuda-v2.6", "vllm", None),
        (f"{HOST}/djl-inference:0.38.0-lmi29.0.0-cu130", "lmi", "29.0.0"),
        (f"{HOST}/djl-inference:0.27.0-deepspeed0.12.6-cu121", "lmi", None),
        (f"{HOST}/sglang:0.5.20-gpu-py312-cu130-ubuntu24.04-sagemaker", "sglang", "0.5.20"),
        ("123456789012.dkr.ecr.us-west-2.amazonaws.com/own:tgi-3.3.6", "tgi", "3.3.6"),
        (f"{HOST}/huggingface-vllm@sha256:{'0' * 64}", "vllm", None),
        ("huggingface-vllm", "vllm", None),
        (f"{HOST}/filmic:1", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_an_image_says_its_engine_and_its_version(image: str | None, engine: str | None, version: str | None) -> None:
    kind = engine_of_image(image)
    assert (kind.name if kind else None) == engine
    if kind:
        assert kind.version_of(repository_and_tag(image or "")[1]) == version


@pytest.mark.parametrize("name", engine_names())
def test_every_image_of_an_engine_is_recognised_with_its_version(name: str) -> None:
    kind = engine_kinds()[name]
    for version in image_versions(name):
        image = kind.image(version)
        assert image is not None
        assert engine_of_image(f"{HOST}/{image.repository}:{image.tag}") is kind
        assert kind.version_of(image.tag) == version


@pytest.mark.parametrize(
    ("image", "environment", "dialect"),
    [
        (f"{HOST}/huggingface-pytorch-tgi-inference:{TGI_3}", {}, "tgi"),
        (f"{HOST}/huggingface-pytorch-tgi-inference:{TGI_3}", {"MESSAGES_API_ENABLED": "true"}, "openai"),
        (f"{HOST}/huggingface-vllm:0.29.0-gpu", {}, "openai"),
        (f"{HOST}/djl-inference:0.38.0-lmi29.0.0-cu130", {}, "lmi"),
        (f"{HOST}/djl-inference:0.27.0-deepspeed0.12.6-cu121", {}, None),
        (f"{HOST}/sglang:0.5.20-gpu", {}, "sglang"),
        (f"{HOST}/own:1", {}, None),
    ],
)
def test_a_container_is_asked_in_the_dialect_of_its_engine(
    image: str, environment: dict[str, str], dialect: str | None
) -> None:
    found = dialect_of_image(image, environment)
    assert (found.name if found else None) == dialect


@pytest.mark.parametrize(
    ("image", "environment", "model"),
    [
        ("huggingface-vllm", {"SM_VLLM_MODEL": "a/b", "HF_MODEL_ID": "c/d"}, "a/b"),
        ("huggingface-vllm", {"HF_MODEL_ID": "c/d"}, "c/d"),
        ("tgi", {"SM_VLLM_MODEL": "a/b", "HF_MODEL_ID": "c/d"}, "c/d"),
        ("sglang", {"SM_SGLANG_MODEL_PATH": "/opt/ml/model"}, "/opt/ml/model"),
        ("djl-inference", {"OPTION_MODEL_ID": "a/b"}, "a/b"),
        (None, {"SM_VLLM_MODEL": "a/b"}, "a/b"),
        (None, {"MODEL": "a/b"}, None),
    ],
)
def test_a_container_says_its_model_by_the_variables_of_its_engine_first(
    image: str | None, environment: dict[str, str], model: str | None
) -> None:
    assert model_of(environment, image) == model


@pytest.mark.parametrize(
    ("tag", "names"),
    [
        (TGI_1, []),
        (TGI_3, [{"MAX_INPUT_LENGTH", "MAX_INPUT_TOKENS"}]),
        (None, [{"MAX_INPUT_LENGTH", "MAX_INPUT_TOKENS"}]),
    ],
)
def test_variables_conflict_by_version(tag: str | None, names: list[set[str]]) -> None:
    assert [set(conflict.names) for conflict in engine_kinds()["tgi"].conflicts_of(tag)] == names


def test_a_token_is_read_from_the_variables_of_every_engine() -> None:
    assert hub_token_variables() == ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
