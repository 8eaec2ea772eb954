"""The steady state of copies: beside textbook results for queues, hand-computed steps, and the simulation."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replicas import Component, Deployment, plan
from replicas.engines import find_engine
from replicas.forecast import Load, forecast
from replicas.forecast.copies import copy_engine
from replicas.speed.kernels import Curve
from replicas.speed.throughput import CopySpeed, Work, answered, carried
from replicas.speed.times import Decoding, StepTimes

PROFILE = replace(find_engine("vllm").profile, frontend_seconds=0.0)


def constant(size: float) -> Curve:
    return Curve((0.0, 1e9), (size, size))


NOTHING = constant(0.0)


def copy(
    *,
    work: Work,
    computed: Curve = NOTHING,
    read: float = 0.0,
    sequences: int | None = None,
    frontend: float = 0.0,
) -> CopySpeed:
    """Return a copy whose steps take the time of reading its weights, and that of computing its tokens."""
    times = StepTimes(
        computed=computed,
        read=constant(read),
        head=None,
        prompts=(),
        decoding=Decoding(((1.0, constant(0.0)),)),
        exchange=None,
        least=0.0,
        step_host=0.0,
        sequence_host=0.0,
    )
    return CopySpeed(
        times=times,
        profile=replace(PROFILE, frontend_seconds=frontend),
        work=work,
        kv_cache_tokens=10**9,
        prefill_tokens=8192,
        sequences=sequences,
    )


@pytest.mark.parametrize(("copies", "users"), [(1, 1), (1, 7), (2, 1), (2, 5), (4, 4), (8, 100)])
def test_copies_of_a_constant_rate_are_a_balanced_network(copies: int, users: int) -> None:
    """N customers on c equal stations of the rate m, visited at random: c m N / (N + c - 1).

    Lazowska et al., Quantitative System Performance (1984), chapter 5: balanced systems.
    """
    one_at_a_time = copy(work=Work(input_tokens=100, output_tokens=0), read=0.1, sequences=1)

    assert answered(one_at_a_time, copies, users) == pytest.approx(copies * 10 * users / (users + copies - 1))


def test_a_user_alone_waits_for_the_frontend_the_prompt_and_each_token() -> None:
    """By hand: 0.5 s of frontend, a step of 0.1 + 100 x 0.001 s, and 9 steps of 0.1 + 0.001 s."""
    per_token = Curve((0.0, 1000.0), (0.0, 1.0))
    alone = copy(work=Work(input_tokens=100, output_tokens=10), computed=per_token, read=0.1, frontend=0.5)

    assert answered(alone, 1, 1) == pytest.approx(1 / (0.5 + 0.2 + 9 * 0.101))


def test_users_in_the_frontend_alone_do_not_wait_for_each_other() -> None:
    instant = copy(work=Work(input_tokens=100, output_tokens=0), read=1e-4, frontend=2.0)

    assert answered(instant, 4, 50) == pytest.approx(25, rel=1e-3)


def test_copies_carry_a_rate_up_to_their_capacity_and_no_more() -> None:
    ten_a_second = copy(work=Work(input_tokens=100, output_tokens=0), read=0.1, sequences=1)

    below = carried(ten_a_second, 2, users=None, requests_per_second=8.0)
    beyond = carried(ten_a_second, 2, users=None, requests_per_second=100.0)

    assert below.requests_per_second == 8.0
    assert beyond.requests_per_second == pytest.approx(0.95 * 20)


def test_more_cache_carries_more() -> None:
    work = Work(input_tokens=1000, output_tokens=200)
    small = replace(copy(work=work, read=0.02), kv_cache_tokens=5_000)
    large = replace(small, kv_cache_tokens=50_000)

    assert answered(large, 1, 64) > 4 * answered(small, 1, 64)


LAYOUTS = [
    ("NousResearch/Meta-Llama-3.1-8B-Instruct", "ml.g5.12xlarge", 1),
    ("NousResearch/Meta-Llama-3.1-8B-Instruct", "ml.g5.12xlarge", 2),
    ("Qwen/Qwen3-8B", "ml.g6e.12xlarge", 1),
    ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "ml.p5.48xlarge", 2),
    ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", "ml.p5.48xlarge", 4),
]


@pytest.mark.parametrize(("model", "instance", "degree"), LAYOUTS)
@pytest.mark.parametrize(("users", "prompt", "answer"), [(8, 500, 100), (48, 1000, 200)])
def test_the_closed_form_is_near_the_simulation(
    model: str, instance: str, degree: int, users: int, prompt: int, answer: int
) -> None:
    """The simulation counts answers that end within its duration: those on their way at its end are missing."""
    component = Component(model=model, tensor_parallel=degree)
    planned = plan(Deployment(name="x", instance_type=instance, components=[component]))
    (layout,) = planned.components
    engine = copy_engine(layout, planned.instance)
    work = Work(input_tokens=prompt, output_tokens=answer)
    speed = CopySpeed(
        times=engine.times,
        profile=engine.profile,
        work=work,
        kv_cache_tokens=engine.limits.kv_cache_tokens,
        prefill_tokens=engine.limits.prefill_tokens,
        sequences=engine.limits.sequences,
    )

    load = Load(users=users, input_tokens=prompt, output_tokens=answer)
    (point,) = forecast(planned, layout, [load], duration_seconds=90).points

    assert answered(speed, layout.copies, users) == pytest.approx(point.requests_per_second, rel=0.15)
