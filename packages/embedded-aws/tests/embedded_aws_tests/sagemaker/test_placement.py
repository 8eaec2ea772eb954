"""No instance ever gives more than it has, whatever is asked in whatever order, and everything comes to rest."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.service import ServiceError
from embedded_aws_tests.sagemaker.conftest import Account, specification

# AWS's own figures of the type, typed once more: the code's come from its data file.
GPUS, VCPUS, MEMORY_MIB = 8, 96, 1_152 * 1024
LONG = 40_000
"""AWS's seconds in which everything ends: longer than the start-up timeout of every copy there can be."""

shapes = st.fixed_dictionaries(
    {
        "accelerators": st.integers(1, 8),
        "cpus": st.sampled_from([0.5, 1, 11.5, 24]),
        "memory": st.sampled_from([1024, 150_000, 600_000]),
    }
)


class OnOneEndpoint(RuleBasedStateMachine):
    """Everything that users do with the components of an endpoint of one to three instances."""

    names = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.account = Account()
        self.account.endpoint(
            instances=1, ManagedInstanceScaling={"Status": "ENABLED", "MinInstanceCount": 1, "MaxInstanceCount": 3}
        )
        self.made = 0

    def _tried(self, operation: str, **parameters: Any) -> bool:
        """Refusals are answers too; anything else that is raised is a fault of the service."""
        try:
            self.account(operation, **parameters)
        except ServiceError:
            return False
        return True

    @rule(target=names, shape=shapes, copies=st.integers(1, 9))
    def create(self, shape: dict[str, Any], copies: int) -> str:
        self.made += 1
        return self.account.create(f"c{self.made}", copies=copies, **shape)

    @rule(name=names, copies=st.integers(0, 9))
    def scale(self, name: str, copies: int) -> None:
        self._tried(
            "UpdateInferenceComponentRuntimeConfig",
            InferenceComponentName=name,
            DesiredRuntimeConfig={"CopyCount": copies},
        )

    @rule(
        name=names,
        shape=shapes,
        image=st.sampled_from(
            ["123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:1", "123456789012.dkr.ecr.us-west-2.amazonaws.com/tgi:2"]
        ),
        batch=st.one_of(
            st.none(),
            st.fixed_dictionaries({"Type": st.just("COPY_COUNT"), "Value": st.integers(1, 3)}),
            st.fixed_dictionaries({"Type": st.just("CAPACITY_PERCENT"), "Value": st.sampled_from([5, 30, 50])}),
        ),
    )
    def roll(self, name: str, shape: dict[str, Any], image: str, batch: dict[str, Any] | None) -> None:
        policy = {"RollingUpdatePolicy": {"MaximumBatchSize": batch, "WaitIntervalInSeconds": 0}}
        self._tried(
            "UpdateInferenceComponent",
            InferenceComponentName=name,
            Specification=specification(image=image, **shape),
            **({"DeploymentConfig": policy} if batch else {}),
        )

    @rule(kind=st.sampled_from([FaultKind.INSUFFICIENT_CAPACITY, FaultKind.COPY_NEVER_STARTS]))
    def something_goes_wrong(self, kind: FaultKind) -> None:
        self.account.faults.add(Fault(kind, times=1))

    @rule(name=consumes(names))
    def delete(self, name: str) -> None:
        if not self._tried("DeleteInferenceComponent", InferenceComponentName=name):
            self.account.wait(LONG)
            self.account("DeleteInferenceComponent", InferenceComponentName=name)

    @rule(seconds=st.sampled_from([10, 200, 1_000]))
    def time_passes(self, seconds: int) -> None:
        self.account.wait(seconds)

    @invariant()
    def no_instance_gives_more_than_it_has(self) -> None:
        hosting = self.account.service.hosting
        used: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0])
        for component in hosting.components.values():
            for copy in component.copies:
                asked = copy.specification.request["ComputeResourceRequirements"]
                for place, key in enumerate(
                    ["NumberOfAcceleratorDevicesRequired", "NumberOfCpuCoresRequired", "MinMemoryRequiredInMb"]
                ):
                    used[copy.machine_id][place] += asked[key]
        (endpoint,) = hosting.endpoints.values()
        machines = {machine.id for machine in endpoint.machines}
        assert used.keys() <= machines, "a copy on an instance that is gone"
        assert len(machines) <= 3
        assert all(gpus <= GPUS and cpus <= VCPUS and mib <= MEMORY_MIB for gpus, cpus, mib in used.values())

    def teardown(self) -> None:
        """Whatever was asked, it ends: what is in service runs what was asked for last, or what ran before."""
        self.account.wait(LONG)
        hosting = self.account.service.hosting
        for component in hosting.components.values():
            assert component.status in ("InService", "Failed"), component
            if component.status == "InService":
                assert len(component.running) == len(component.copies) == component.desired
                assert {copy.version for copy in component.copies} <= {component.version}
        for name in list(hosting.components):
            self.account("DeleteInferenceComponent", InferenceComponentName=name)
        self.account.wait(LONG)
        (endpoint,) = hosting.endpoints.values()
        assert len(endpoint.machines) == 1, "idle instances are given back down to the floor"
        self.account("DeleteEndpoint", EndpointName="endpoint")
        self.account.wait(LONG)
        assert not hosting.endpoints
        assert not hosting.components


OnOneEndpoint.TestCase.settings = settings(max_examples=40, stateful_step_count=12, deadline=None)
TestOnOneEndpoint = OnOneEndpoint.TestCase
