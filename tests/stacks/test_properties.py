"""Any deployment that `plan` accepts becomes a template that the proof and an independent packer accept."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from replicas import Component, Deployment, plan
from replicas.catalogue.models import model_ids
from replicas.errors import SizingError
from replicas.rules import check
from tests.examples import examples
from tests.stacks.conftest import Template, resources
from tests.synthesis import template_of_plan

# Hardware as EC2's own pages give it: accelerators, vCPU, GiB.
HOSTS = {
    "ml.p4d.24xlarge": (8, 96, 1152),
    "ml.g5.12xlarge": (4, 48, 192),
    "ml.g6e.48xlarge": (8, 192, 1536),
    "ml.p5.48xlarge": (8, 192, 2048),
    "ml.g6.xlarge": (1, 4, 16),
}
wishes = st.fixed_dictionaries(
    {"model": st.sampled_from(model_ids()), "engine": st.sampled_from(["tgi", "tgi-1.1.0", "vllm", "vllm-0.14.0"])},
    optional={
        "copies": st.integers(1, 6),
        "tensor_parallel": st.sampled_from([1, 2, 4]),
        "cpus": st.sampled_from([0.25, 1.5, 10.0]),
        "memory_mib": st.sampled_from([512, 4096, 102_400]),
        "max_total_tokens": st.sampled_from([512, 4096]),
        "weights": st.just("s3://bucket/prefix/"),
        "token_secret": st.just("hf"),
    },
)
deployments = st.builds(
    lambda instance, instances, parts: Deployment(
        name="test",
        instance_type=instance,
        instances=instances,
        components=[Component(name=f"part-{index}", **part) for index, part in enumerate(parts)],
    ),
    st.sampled_from(list(HOSTS)),
    st.integers(1, 2),
    st.lists(wishes, min_size=1, max_size=3),
)


@examples(30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deployment=deployments)
def test_what_plan_accepts_the_proof_and_a_brute_force_packer_accept(
    deployment: Deployment, context: dict[str, Any]
) -> None:
    try:
        planned = plan(deployment)
    except SizingError as refused:
        problems = refused.problems
    else:
        problems = ()
    if problems:
        assert all(any(mark.isdigit() for mark in problem) or "'" in problem for problem in problems)
        return
    template = template_of_plan(planned, context)

    report = check(template)

    assert report.problems == ()
    assert report.unresolved == ()
    assert packs(template)


def packs(template: Template) -> bool:
    """Brute force: every way to give each component's copies to the instances, against the bare hardware."""
    (config,) = resources(template, "AWS::SageMaker::EndpointConfig").values()
    (variant,) = config["ProductionVariants"]
    accelerators, vcpus, gib = HOSTS[variant["InstanceType"]]
    claims = []
    for component in resources(template, "AWS::SageMaker::InferenceComponent").values():
        need = component["Specification"]["ComputeResourceRequirements"]
        claims.append(
            (
                component["RuntimeConfig"]["CopyCount"],
                need["NumberOfAcceleratorDevicesRequired"],
                need["NumberOfCpuCoresRequired"],
                need["MinMemoryRequiredInMb"],
            )
        )
    instances = variant["InitialInstanceCount"]
    ways = [list(splits(copies, instances)) for copies, *_ in claims]
    return any(
        all(
            sum(way[index] * claim[1] for way, claim in zip(choice, claims, strict=True)) <= accelerators
            and sum(way[index] * claim[2] for way, claim in zip(choice, claims, strict=True)) <= vcpus
            and sum(way[index] * claim[3] for way, claim in zip(choice, claims, strict=True)) <= gib * 1024
            for index in range(instances)
        )
        for choice in product(*ways)
    )


def splits(copies: int, instances: int) -> list[tuple[int, ...]]:
    """Every way to share out some copies."""
    return [way for way in product(range(copies + 1), repeat=instances) if sum(way) == copies]
