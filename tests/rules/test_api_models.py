"""An endpoint model that is built from API requests is judged by the rules that AWS enforces in those operations."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from replicas.endpoint.components import Claims, Component, Specification
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import number_of
from replicas.endpoint.variants import Configuration, Endpoint, Instances, Variant, VariantSettings
from replicas.rules import PRACTICE_RULES, RULES, Finding, enforced_by, judge

CREATE_COMPONENT: dict[str, Any] = {
    "InferenceComponentName": "llama",
    "EndpointName": "chat",
    "VariantName": "AllTraffic",
    "Specification": {
        "ModelName": "llama-model",
        "ComputeResourceRequirements": {
            "NumberOfAcceleratorDevicesRequired": 1,
            "NumberOfCpuCoresRequired": 4,
            "MinMemoryRequiredInMb": 8192,
        },
    },
    "RuntimeConfig": {"CopyCount": 4},
}


def request(**changes: Any) -> dict[str, Any]:
    return {**CREATE_COMPONENT, **changes}


def claiming(**claims: Any) -> dict[str, Any]:
    return request(Specification={"ModelName": "llama-model", "ComputeResourceRequirements": claims})


def topology_of(asked: dict[str, Any], existing: tuple[Component, ...] = ()) -> Topology:
    """One ml.g5.12xlarge (4 accelerators) with the components that exist, and the one that a request asks for."""
    endpoint, configuration = Subject(kind="endpoint", name="chat"), Subject(kind="configuration", name="chat-config")
    instances = Instances(instance_type="ml.g5.12xlarge", initial=Fraction(1))
    settings = VariantSettings(name="AllTraffic", instances=instances)
    config = Configuration(subject=configuration, variants=(settings,), has_role=True)
    components = (*existing, component_of(asked, endpoint))
    on_variant = tuple(component for component in components if component.variant_name == "AllTraffic")
    variant = Variant(endpoint=endpoint, configuration=config, settings=settings, components=on_variant)
    return Topology(
        variants=(variant,),
        components=components,
        endpoints=(Endpoint(subject=endpoint, configuration=configuration),),
        configurations=(config,),
    )


def component_of(asked: dict[str, Any], endpoint: Subject) -> Component:
    claims = asked["Specification"].get("ComputeResourceRequirements")
    return Component(
        subject=Subject(kind="component", name=asked["InferenceComponentName"]),
        name=asked["InferenceComponentName"],
        endpoint=endpoint,
        variant_name=asked.get("VariantName"),
        copies=number_of(asked.get("RuntimeConfig", {}).get("CopyCount")),
        specifications=(
            Specification(
                claims=Claims(
                    accelerators=number_of(claims.get("NumberOfAcceleratorDevicesRequired")),
                    cpus=number_of(claims.get("NumberOfCpuCoresRequired")),
                    memory_mib=number_of(claims.get("MinMemoryRequiredInMb")),
                )
                if claims is not None
                else None,
                container=Container(image="vllm:0.14.0"),
            ),
        ),
    )


def refused(topology: Topology) -> list[str]:
    """The rules that CreateInferenceComponent enforces and that surely are broken."""
    found = judge(topology, enforced_by("CreateInferenceComponent"))
    return [finding.rule for finding in found if isinstance(finding, Finding) and finding.certain]


def test_a_request_that_fits_is_taken() -> None:
    assert refused(topology_of(request())) == []


@pytest.mark.parametrize(
    ("asked", "rule"),
    [
        (request(RuntimeConfig={"CopyCount": 5}), "over-committed"),
        (request(RuntimeConfig={"CopyCount": 0}), "copies-below-one"),
        (request(RuntimeConfig={}), "copies-missing"),
        (request(Specification={"ModelName": "llama-model"}), "claims-missing"),
        (claiming(NumberOfAcceleratorDevicesRequired=1), "memory-missing"),
        (claiming(NumberOfAcceleratorDevicesRequired=0.5, MinMemoryRequiredInMb=1024), "accelerators-not-whole"),
        (claiming(NumberOfCpuCoresRequired=0.1, MinMemoryRequiredInMb=1024), "claim-too-small"),
        (request(VariantName="Other"), "variant-unknown"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_that_aws_refuses_breaks_one_rule(asked: dict[str, Any], rule: str) -> None:
    assert refused(topology_of(asked)) == [rule]


def test_a_second_component_is_judged_beside_the_first() -> None:
    first = component_of(request(), Subject(kind="endpoint", name="chat"))
    asked = request(InferenceComponentName="mistral", RuntimeConfig={"CopyCount": 1})

    (finding,) = (
        finding
        for finding in judge(topology_of(asked, (first,)), enforced_by("CreateInferenceComponent"))
        if isinstance(finding, Finding)
    )

    assert (finding.rule, finding.subject.name) == ("over-committed", "chat")
    assert finding.shortage
    assert (finding.shortage.total, finding.shortage.instances) == (5, 1)


def test_a_name_that_exists_is_refused() -> None:
    first = component_of(request(RuntimeConfig={"CopyCount": 1}), Subject(kind="endpoint", name="chat"))

    assert refused(topology_of(request(RuntimeConfig={"CopyCount": 1}), (first,))) == ["name-taken"]


@pytest.mark.parametrize("rule", [*RULES.values(), *PRACTICE_RULES.values()], ids=lambda rule: rule.id)
def test_every_refusal_of_aws_says_where_it_was_seen(rule: Any) -> None:
    for enforcement in rule.enforced:
        assert enforcement.operation[0].isupper()
        assert enforcement.evidence in ("quoted", "documented", "assumed")
        assert enforcement.source
        if enforcement.evidence == "quoted":
            assert "'" in enforcement.source
