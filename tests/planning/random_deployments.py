"""Random deployments: unequal copies, several components, pools, schedules, rolls, and components that sleep."""

from __future__ import annotations

from random import Random

from replicas import Component, Deployment, InstanceScaling, Rollout, Scaling, Schedule

_TYPES = ("ml.g5.12xlarge", "ml.g5.48xlarge", "ml.g6.12xlarge", "ml.g6e.12xlarge", "ml.g6e.48xlarge", "ml.p4d.24xlarge")
_MODELS = ("Qwen/Qwen3-8B", "NousResearch/Meta-Llama-3.1-8B-Instruct", "mistralai/Mistral-7B-Instruct-v0.3")


def random_deployment(seed: int) -> Deployment:
    """A deployment that may or may not fit."""
    draw = Random(seed)  # noqa: S311 (no secret)
    several = draw.choice((1, 1, 2, 2, 3, 4))
    instances = draw.choice((1, 1, 2, 3))
    types = draw.sample(_TYPES, draw.choice((1, 1, 1, 2, 3)))
    return Deployment(
        name="forced",
        instance_type=types[0],
        fallback_instance_types=types[1:],
        instances=instances,
        instance_scaling=InstanceScaling(max_instances=instances + draw.randint(0, 3)) if draw.random() < 0.6 else None,
        components=[_component(draw, f"part-{at}") for at in range(several)],
    )


def _component(draw: Random, name: str) -> Component:
    rolls = draw.random() < 0.3
    fewest = 2 if rolls and draw.random() < 0.9 else 1
    return Component(
        name=name,
        model=draw.choice(_MODELS),
        copies=draw.choice((None if fewest == 1 else 2, fewest, fewest, fewest + 1, fewest + draw.randint(0, 5))),
        tensor_parallel=draw.choice((1, 1, 1, 2, 4)),
        cpus=draw.choice((None, None, 0.75, 2, 5.5, 11)),
        memory_mib=draw.choice((None, None, 2048, 10_000, 40_000)),
        scaling=_scaling(draw, fewest) if draw.random() < 0.7 else None,
        rollout=Rollout(batch_copies=draw.choice((None, None, 1, 2))) if rolls else None,
    )


def _scaling(draw: Random, fewest: int) -> Scaling:
    to_zero = draw.random() < 0.3
    most = draw.choice((None, None, None, fewest + draw.randint(0, 6)))
    schedules = []
    for at in range(draw.choice((0, 0, 0, 1, 2))):
        low = draw.choice((0 if to_zero else fewest, fewest, fewest + 1))
        high = draw.choice((None, low + draw.randint(1, 4)))
        schedules.append(Schedule(name=f"at-{at}", at="cron(0 8 * * ? *)", min_copies=low, max_copies=high))
    return Scaling(max_copies=most, to_zero=to_zero, schedules=schedules)
