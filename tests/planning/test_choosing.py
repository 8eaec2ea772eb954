"""The degree and the copies of components that leave them open: by their cost, or by what they hold at least."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from replicas import Component, Deployment, EndpointPlan, Rollout, Traffic, plan
from replicas.planning import choosing

LLAMA_70B = "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic"
P5 = "ml.p5.48xlarge"


def planned(*components: dict[str, Any], instance: str = P5, **endpoint: Any) -> EndpointPlan:
    given = [Component(**component) for component in components]
    return plan(Deployment(name="x", instance_type=instance, components=given, **endpoint))


def layout_of(endpoint: EndpointPlan) -> tuple[int, int]:
    """Return copies and accelerators a copy of the only component."""
    (component,) = endpoint.components
    return component.copies, component.accelerators


def test_a_copy_that_holds_one_long_request_is_not_the_default() -> None:
    """One H100 holds the weights of Llama 3.3 70B in fp8, and one request of 8,192 tokens: two of them hold 27."""
    endpoint = planned({"model": LLAMA_70B})

    assert layout_of(endpoint) == (4, 2)
    assert endpoint.accelerators_used == 8


def test_the_layouts_that_were_compared_are_told_with_their_figures() -> None:
    (component,) = planned({"model": LLAMA_70B}).components

    assert [(one.accelerators, one.copies, one.holds_floor) for one in component.layouts] == [
        (1, 8, False),
        (2, 4, True),
        (4, 2, True),
        (8, 1, True),
    ]
    best = min(component.layouts, key=lambda one: one.usd_per_million_output_tokens or 0)
    assert [one.accelerators for one in component.layouts if one.chosen] == [best.accelerators]
    assert component.to_document()["layouts"][1]["chosen"] is True
    assert "the lowest cost per token at 128 users" in component.reasons["accelerators"]
    assert "assumed, because traffic= is not set" in component.reasons["accelerators"]
    assert "4 (2 copies): " in component.reasons["accelerators"]


@pytest.mark.parametrize(("traffic", "degree"), [((1, 500, 200), 8), ((400, 500, 200), 2)])
def test_the_declared_traffic_decides(traffic: tuple[int, int, int], degree: int) -> None:
    """A single user is answered fastest by all accelerators together; many pay for the exchanges between them."""
    users, prompt, answer = traffic
    declared = Traffic(users=users, input_tokens=prompt, output_tokens=answer)

    assert layout_of(planned({"model": LLAMA_70B, "traffic": declared}))[1] == degree


def test_a_rate_that_all_layouts_carry_is_answered_by_the_fastest() -> None:
    rare = Traffic(requests_per_second=0.01, input_tokens=500, output_tokens=200)

    assert layout_of(planned({"model": LLAMA_70B, "traffic": rare})) == (1, 8)


@pytest.mark.parametrize(
    ("wish", "layout"),
    [
        ({"copies": 2}, (2, 4)),
        ({"copies": 8}, (8, 1)),
        ({"tensor_parallel": 4}, (2, 4)),
        ({"tensor_parallel": 1}, (8, 1)),
        ({"copies": 1, "tensor_parallel": 2}, (1, 2)),
    ],
)
def test_what_is_written_stays_and_the_rest_is_chosen_within_it(wish: dict[str, int], layout: tuple[int, int]) -> None:
    assert layout_of(planned({"model": LLAMA_70B, **wish})) == layout


def test_a_rolling_update_keeps_its_room() -> None:
    """Two copies of four accelerators would fill the instance, and a batch of the roll would find no room."""
    assert layout_of(planned({"model": LLAMA_70B, "copies": 2, "rollout": Rollout()})) == (2, 2)


def test_a_model_that_one_card_does_not_hold_at_full_length_gets_two() -> None:
    """Qwen3-32B in bfloat16 with 40,960 tokens: 72.7 GiB on one H100, of which 71.3 may be used."""
    _, degree = layout_of(planned({"model": "Qwen/Qwen3-32B", "max_total_tokens": 40_960}))

    assert degree >= 2


def test_without_a_speed_the_fewest_cards_that_hold_the_floor_are_taken_aloud() -> None:
    declared = {"model": "org/unknown", "weights_gib": 60.0, "kv_bytes_per_token": 400_000}

    endpoint = planned({**declared, "max_total_tokens": 16_384})

    assert layout_of(endpoint) == (4, 2)
    assert "tensor_parallel=2 is not chosen by cost" in "".join(endpoint.warnings)
    assert "the smallest degree whose copies hold 4 requests at once" in endpoint.components[0].reasons["accelerators"]


def test_a_model_without_a_layout_that_holds_the_floor_is_planned_all_the_same() -> None:
    """8B in two bytes on one card of 24 GB with requests of 20,000 tokens: one at a time, and no other layout."""
    endpoint = planned({"model": "Qwen/Qwen3-8B", "max_total_tokens": 20_000}, instance="ml.g5.xlarge")

    assert layout_of(endpoint) == (1, 1)
    assert endpoint.components[0].layouts == ()


def test_components_share_the_accelerators() -> None:
    endpoint = planned({"name": "a", "model": LLAMA_70B}, {"name": "b", "model": "Qwen/Qwen3-8B"})

    large, small = endpoint.components
    assert large.accelerators * large.copies + small.accelerators * small.copies == 8
    assert large.layouts[0].holds_floor is False
    assert large.accelerators >= 2


def test_many_components_are_chosen_within_a_number_of_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four components with four degrees each are 256 layouts: more than are compared."""
    counted = []
    counts = choosing.copy_counts
    monkeypatch.setattr(choosing, "copy_counts", lambda *given: counted.append(1) or counts(*given))

    endpoint = planned(*({"name": name, "model": "Qwen/Qwen3-8B"} for name in "abcd"))

    assert len(counted) <= choosing.MOST_LAYOUTS
    assert endpoint.accelerators_used == 8


def test_components_that_do_not_fit_together_are_refused_at_their_smallest_degrees() -> None:
    from replicas.errors import SizingError

    with pytest.raises(SizingError, match=r"need 9 accelerators"):
        planned(*({"name": f"m{number}", "model": "Qwen/Qwen3-8B"} for number in range(9)))


def test_the_same_deployment_has_the_same_plan() -> None:
    assert planned({"model": LLAMA_70B}).to_document() == planned({"model": LLAMA_70B}).to_document()


def test_a_stated_layout_loads_no_tables_of_kernels() -> None:
    script = """
import sys
from replicas import Component, Deployment, plan
component = Component(model="Qwen/Qwen3-8B", tensor_parallel=1, copies=4)
plan(Deployment(name="x", instance_type="ml.g6e.12xlarge", components=[component]))
print([name for name in sys.modules if name.startswith(("replicas.speed", "replicas.forecast"))])
"""
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert finished.stdout == "[]\n"


@pytest.mark.parametrize(("components", "most"), [(3, choosing.MOST_LAYOUTS), (24, 21)])
def test_the_layouts_that_are_compared_are_fewer_for_many_components(
    components: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 layouts of up to 8 components, and no more of all components together with 24: 64 x 8 / 24."""
    rated: list[tuple[int, ...]] = []
    rate = choosing._rated

    def counted(deployment: Any, options: Any, degrees: tuple[int, ...], instance: Any) -> Any:
        rated.append(degrees)
        return rate(deployment, options, degrees, instance)

    monkeypatch.setattr(choosing, "_rated", counted)
    many: list[dict[str, Any]] = [{"name": f"c{number}", "model": "Qwen/Qwen3-8B"} for number in range(components)]
    planned(*many, instance="ml.g6e.12xlarge", instances=components)
    assert 1 < len(rated) <= most
