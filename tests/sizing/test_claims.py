"""Claims of CPU and memory, against what was published and measured; nothing here comes from the code's own data."""

from __future__ import annotations

import pytest

from replicas import plan
from replicas.catalogue.instances import find_instance, instance_types
from replicas.sizing import claims
from tests.planning.build import deployment, problem_of

RECIPES = [
    # sagemaker-hyperpod-recipes inference_configs of June 2026: one copy a host; the article; AWS samples.
    ("ml.g5.4xlarge", 12, 32_768),
    ("ml.g6.4xlarge", 12, 32_768),
    ("ml.g5.12xlarge", 36, 98_304),
    ("ml.g6.12xlarge", 36, 104_096),
    ("ml.g6.24xlarge", 72, 196_608),
    ("ml.g6e.12xlarge", 36, 196_608),
    ("ml.g6e.24xlarge", 72, 393_216),
    ("ml.g6e.48xlarge", 100, 1_024_000),
    ("ml.p5.48xlarge", 100, 1_539_316),
    ("ml.p5e.48xlarge", 100, 1_539_316),
    ("ml.p5en.48xlarge", 100, 1_539_316),
    ("ml.g7e.48xlarge", 100, 1_000_000),
    ("ml.g5.2xlarge", 4, 10_000),
    ("ml.p4d.24xlarge", 80, 819_200),
]


@pytest.mark.parametrize(("instance_type", "cpus", "memory_mib"), RECIPES)
def test_a_claim_that_was_seen_to_run_is_accepted(instance_type: str, cpus: int, memory_mib: int) -> None:
    bound = claims.claimable(find_instance(instance_type))
    assert bound.cpus >= cpus
    assert bound.memory_mib >= memory_mib


@pytest.mark.parametrize(("instance_type", "cpus", "memory_mib"), RECIPES)
def test_such_a_claim_is_planned(instance_type: str, cpus: int, memory_mib: int) -> None:
    wished = deployment(
        model="llama-3.2-1b", instance_type=instance_type, copies=1, cpus=float(cpus), memory_mib=memory_mib
    )
    assert plan(wished).components[0].cpus == cpus


@pytest.mark.parametrize("instance_type", ["ml.g5.xlarge", "ml.g6.xlarge"])
def test_the_claim_that_was_measured_refused_is_refused(instance_type: str) -> None:
    small = {"model": "llama-3.2-1b", "instance_type": instance_type}
    assert plan(deployment(**small, memory_mib=1024)).components[0].copies == 1
    assert "memory_mib=4096" in problem_of(deployment(**small, memory_mib=4096))


@pytest.mark.parametrize("name", instance_types())
def test_a_host_keeps_a_part_of_its_cpu_and_memory(name: str) -> None:
    """No claim over 85 % of a host's CPU or 76 % of its memory was ever seen."""
    instance = find_instance(name)
    bound = claims.claimable(instance)
    assert 0 < bound.cpus <= instance.vcpus * 0.85
    assert 0 < bound.memory_mib <= instance.memory_mib * 0.76


@pytest.mark.parametrize("name", instance_types())
def test_copies_with_the_default_claim_fill_every_accelerator_of_a_host(name: str) -> None:
    instance = find_instance(name)
    bound = claims.claimable(instance)
    for accelerators in range(1, instance.accelerators + 1):
        copies = instance.accelerators // accelerators
        cpus, _ = claims.default_cpus(instance, accelerators)
        memory_mib, _ = claims.default_memory_mib(instance, accelerators)
        assert cpus >= 0.25
        assert memory_mib >= 128
        assert copies * cpus <= bound.cpus
        assert copies * memory_mib <= bound.memory_mib


def test_the_default_for_eight_copies_on_a_p4d_is_the_careful_one() -> None:
    """72 of 96 vCPU and half of 1,152 GiB, by eight."""
    p4d = find_instance("ml.p4d.24xlarge")
    assert claims.default_cpus(p4d, 1)[0] == 9
    assert claims.default_memory_mib(p4d, 1)[0] == 72 * 1024


def test_a_bound_that_was_seen_says_where() -> None:
    bound = claims.claimable(find_instance("ml.p4d.24xlarge"))
    assert "the article of 11 January 2024" in bound.cpus_reason
    assert "the article of 11 January 2024" in bound.memory_reason


def test_a_bound_by_rule_says_the_rule() -> None:
    bound = claims.claimable(find_instance("ml.g5.48xlarge"))
    assert bound.cpus_reason.startswith("75 % of 192 vCPU")
    assert bound.memory_reason.startswith("50 % of 786432 MiB")
