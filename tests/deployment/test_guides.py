"""The examples of docs/guides are planned, and what the guides say of them holds."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import Any

import replicas
from replicas import Component, Deployment, EndpointPlan, plan
from scripts.oracle import configs
from tests.conftest import ROOT


def page(guide: str) -> str:
    return (ROOT / "docs" / "guides" / f"{guide}.md").read_text()


def example(guide: str) -> Any:
    """The one example in Python of a guide."""
    (code,) = re.findall(r"^( *)```python\n(.*?)^ *```", page(guide), re.DOTALL | re.MULTILINE)
    return eval(textwrap.dedent(code[1]), {name: getattr(replicas, name) for name in replicas.__all__})  # noqa: S307


def planned(guide: str) -> EndpointPlan:
    return plan(example(guide))


def test_a_model_of_ones_own_is_sized_from_its_config(tmp_path: Path) -> None:
    deployment = example("own-model")
    (tmp_path / "config.json").write_text(json.dumps(configs.models()["Qwen/Qwen3-8B"]))
    component = replace(deployment.components[0], config=tmp_path / "config.json")

    (sized,) = plan(replace(deployment, components=[component])).components

    assert sized.model.id == "org/name"


def test_an_adapter_takes_memory_of_the_kv_cache() -> None:
    component = example("lora")

    def cache(of: Component) -> int:
        deployment = Deployment(name="lora", instance_type="ml.g6e.xlarge", components=[of])
        return plan(deployment).components[0].kv_cache_tokens

    assert cache(component) < cache(replace(component, adapters=()))


def test_an_endpoint_that_scales_to_zero_may_have_no_instance() -> None:
    endpoint = planned("scale-to-zero")

    assert endpoint.instance_scaling is not None
    assert endpoint.instance_scaling.min_instances == 0


def test_a_vpc_without_a_way_out_needs_the_endpoints_that_the_guide_names() -> None:
    (note,) = [note for note in planned("vpc").notes if "interface endpoints" in note]

    named = re.findall(r"for `(ecr[^.]*\.api)`, `(ecr\.dkr)`, `(logs)`, `(monitoring)` and `(sts)`", page("vpc"))

    assert named == [("ecr.api", "ecr.dkr", "logs", "monitoring", "sts")]
    assert all(name in note for name in named[0])
