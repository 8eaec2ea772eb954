"""Containers of the stand-in: what an image and its variables say of the copy behind them."""

from __future__ import annotations

import tomllib
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from embedded_aws.serving.engine import ServingEngine
from replicas import plan
from replicas.deployment.file import load_catalogue
from replicas.engines import find_image
from replicas.errors import ServingError
from replicas.forecast import Load
from replicas.forecast.copies import copy_engine
from replicas.forecast.simulation import Routing, simulate
from replicas.forecast.stand_in import StandInContainer, StandInEngine
from tests.conftest import ROOT
from tests.planning.build import LLAMA_13B, P4D, deployment

HOST = "763104351884.dkr.ecr.us-west-2.amazonaws.com"
ENGINE: ServingEngine = StandInEngine()  # mypy holds it against the protocol


def container(image: str = "", environment: dict[str, str] | None = None, **facts: Any) -> StandInContainer:
    known = find_image("tgi", "1.1.0")
    assert known
    default = {
        "copy": "copy",
        "image": image or f"{HOST}/{known.repository}:{known.tag}",
        "environment": {"HF_MODEL_ID": LLAMA_13B} if environment is None else environment,
        "instance_type": P4D,
        "accelerators": 1,
        "repository": None,
    }
    return StandInEngine().container(**{**default, **facts})


@pytest.mark.parametrize("name", [each.name for each in load_catalogue() if not each.components[0].weights])
def test_a_container_of_a_plan_stands_in_with_the_times_and_limits_of_that_plan(name: str) -> None:
    (wished,) = [each for each in load_catalogue() if each.name == name]
    planned = plan(wished)
    for component in planned.components:
        image = component.engine.image
        assert image
        made = container(
            f"{HOST}/{image.repository}:{image.tag}",
            dict(component.environment),
            instance_type=planned.instance.name,
            accelerators=component.accelerators,
        )
        forecast = copy_engine(component, planned.instance)
        assert made.engine.times == forecast.times
        assert made.engine.limits == forecast.limits
        assert made.engine.profile == forecast.profile
        assert made.accepts_chat == component.accepts_chat


@pytest.mark.parametrize(
    ("settings", "limit"),
    [({"gpu_memory_share": 0.6}, "kv_cache_tokens"), ({"quantization": "eetq"}, "kv_cache_tokens")],
)
def test_settings_that_change_the_cache_reach_the_stand_in(settings: dict[str, Any], limit: str) -> None:
    planned = plan(deployment(engine="tgi-3.3.6", tensor_parallel=2, **settings))
    component = planned.components[0]
    image = component.engine.image
    assert image
    made = container(f"{HOST}/{image.repository}:{image.tag}", dict(component.environment), accelerators=2)
    assert getattr(made.engine.limits, limit) == getattr(copy_engine(component, planned.instance).limits, limit)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        (
            {"image": f"{HOST}/somebody-elses:1"},
            r"somebody-elses:1 has no stand-in: stand-ins exist for lmi, sglang, tgi, vllm",
        ),
        ({"image": f"{HOST}/sglang:server-sagemaker-cuda-v1.4"}, "the tag does not contain the version of SGLang"),
        ({"image": f"{HOST}/vllm:latest"}, "the tag does not contain the version of vLLM"),
        ({"environment": {}}, "its model is named neither by its variables nor by the manifest"),
        ({"environment": {"HF_MODEL_ID": "/opt/ml/model"}}, "its model is named neither by its variables"),
        ({"environment": {"HF_MODEL_ID": "nobody/nothing"}}, "nobody/nothing"),
        ({"environment": {"HF_MODEL_ID": LLAMA_13B, "MAX_TOTAL_TOKENS": "many"}}, "max_total_tokens: 'many' is not a"),
        ({"instance_type": "ml.nothing.xlarge"}, "ml.nothing.xlarge"),
    ],
)
def test_a_container_that_cannot_be_stood_in_for_is_refused(facts: dict[str, Any], words: str) -> None:
    with pytest.raises(ServingError, match=words):
        container(**facts)


def test_staged_weights_say_whose_they_are() -> None:
    made = container(environment={"HF_MODEL_ID": "/opt/ml/model"}, repository=LLAMA_13B)
    assert made.model.id == LLAMA_13B


@pytest.mark.parametrize(
    ("strategy", "routing"), [("RANDOM", "RANDOM"), ("PREFIX_AWARE", "LEAST_OUTSTANDING_REQUESTS")]
)
def test_a_benchmark_is_the_simulation_of_its_copies(strategy: str, routing: Routing) -> None:
    made, load = container(), Load(users=8, input_tokens=500, output_tokens=50)
    outcome = made.benchmark(copies=4, routing=strategy, load=load, duration_seconds=30.0)
    assert outcome == simulate(made.engine, copies=4, load=load, duration_seconds=30.0, seed=0, routing=routing)
    assert len(outcome.answered) > 100


def test_the_distribution_offers_it_to_the_embedded_aws() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    ((name, value),) = project["entry-points"]["embedded_aws.serving"].items()
    assert EntryPoint(name=name, value=value, group="embedded_aws.serving").load() is StandInEngine
