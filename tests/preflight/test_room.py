"""Room for what an update starts, where the embedded AWS has no such endpoint: several variants, fewer instances."""

from __future__ import annotations

from typing import Any

from replicas.endpoint.packing import Resources
from replicas.preflight.needs import declared_in
from replicas.preflight.room import Changes, Live, LiveComponent, room_check

CLAIM = Resources.of(1, 4, 8192)


def template(*, image: str = "a:1", instances: int = 1) -> dict[str, Any]:
    """Two endpoints of ml.g5.12xlarge (4 accelerators), a component on each."""
    resources: dict[str, Any] = {}
    for name in ("One", "Two"):
        variant = {"VariantName": "v", "InstanceType": "ml.g5.12xlarge", "InitialInstanceCount": instances}
        compute = {
            "NumberOfAcceleratorDevicesRequired": 1,
            "NumberOfCpuCoresRequired": 4,
            "MinMemoryRequiredInMb": 8192,
        }
        specification = {"Container": {"Image": image}, "ComputeResourceRequirements": compute}
        for kind, properties in {
            "EndpointConfig": {"ProductionVariants": [variant]},
            "Endpoint": {"EndpointConfigName": {"Fn::GetAtt": [f"EndpointConfig{name}", "EndpointConfigName"]}},
            "InferenceComponent": {
                "EndpointName": {"Fn::GetAtt": [f"Endpoint{name}", "EndpointName"]},
                "VariantName": "v",
                "Specification": specification,
                "RuntimeConfig": {"CopyCount": 1},
            },
        }.items():
            resources[kind + name] = {"Type": f"AWS::SageMaker::{kind}", "Properties": properties}
    return {"Resources": resources}


def states(new: dict[str, Any], copies: dict[str, int], instances: int = 1) -> list[str]:
    """How the two endpoints come out, with these numbers of live copies."""
    (variant,) = new["Resources"]["EndpointConfigOne"]["Properties"]["ProductionVariants"]
    old = template(instances=variant["InitialInstanceCount"])
    live = Live(
        status="CREATE_COMPLETE",
        template=old,
        names={"EndpointOne": "one", "EndpointTwo": "two"},
        components={
            f"InferenceComponent{name}": LiveComponent(name, count, CLAIM, (name.lower(), "v"))
            for name, count in copies.items()
        },
        instances={("one", "v"): instances, ("two", "v"): instances},
    )
    declared = declared_in(new, "us-west-2")
    changes = Changes(declared_in(old, "us-west-2"), declared, "us-west-2")
    return [check.state for variant in declared.topology.variants for check in room_check(variant, live, changes)]


def test_each_endpoint_is_judged_by_its_own_copies() -> None:
    assert states(template(image="a:2"), {"One": 4, "Two": 3}) == ["fault", "ok"]


def test_without_a_change_a_full_endpoint_is_no_fault() -> None:
    assert states(template(), {"One": 4, "Two": 4}) == ["ok", "ok"]


def test_instances_that_were_taken_away_by_hand_are_no_room() -> None:
    """The template says 2, as before; 1 runs, and no deploy brings the other back before the roll."""
    assert states(template(image="a:2", instances=2), {"One": 4, "Two": 3}, instances=1) == ["fault", "ok"]
    assert states(template(image="a:2", instances=2), {"One": 4, "Two": 3}, instances=2) == ["ok", "ok"]
