"""The entry of deployments.py for a live endpoint, and the settings that an entry lacks. Makes no AWS call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from replicas.adopt.container import ContainerError, LiveContainer, publisher_of, read_container
from replicas.adopt.records import LiveComponent, LiveEndpoint
from replicas.adopt.scaling import scaling_of
from replicas.adopt.settings import data_capture_of, instance_scaling_of, monitoring_of, placement_of, routing_of
from replicas.deployment.deployment import Component, Deployment
from replicas.deployment.options import Adapter, Security, Vpc
from replicas.deployment.sentences import near_name
from replicas.engines import read_settings
from replicas.errors import OperationError
from replicas.planning.planner import draft_of


@dataclass(frozen=True)
class Unexpressed:
    """A setting of a live resource that an entry cannot reproduce, with the consequence."""

    resource: str
    """The live resource, such as `component chat`."""
    what: str


@dataclass(frozen=True, kw_only=True)
class Entry:
    """An entry of deployments.py for a live endpoint."""

    deployment: Deployment
    names: Mapping[str, str]
    """Name of the live component or adapter, by its name in the entry."""
    containers: Mapping[str, LiveContainer]
    """Container of each live component, by the component's name."""
    unexpressed: tuple[Unexpressed, ...]


def entry_of(live: LiveEndpoint, name: str, *, models: Mapping[str, str], token_secret: str | None) -> Entry:
    """Write the entry of a live endpoint.

    Args:
        live: the endpoint.
        name: name of the deployment.
        models: model of a live component, by the component's name, if no variable of its container names it.
        token_secret: secret with the Hub token that the containers are given as a variable.

    Raises:
        OperationError: a live container cannot be described as a component of a deployment.

    """
    return _Writer(live, name, models, token_secret).entry()


class _Writer:
    def __init__(self, live: LiveEndpoint, name: str, models: Mapping[str, str], token_secret: str | None) -> None:
        self._live = live
        self._name = name
        self._models = models
        self._token_secret = token_secret
        self._unexpressed: list[Unexpressed] = []
        self._names: dict[str, str] = {}

    def entry(self) -> Entry:
        containers: dict[str, LiveContainer] = {}
        problems = [
            f"--model {name}: no component of this name is taken over: name one of "
            f"{', '.join(live_component.name for live_component in self._live.components)}"
            for name in self._models
            if name not in [live_component.name for live_component in self._live.components]
        ]
        for component in self._live.components:
            try:
                named = self._models.get(component.name)
                containers[component.name] = read_container(component, component.specifications[0], named)
            except ContainerError as problem:
                problems.append(str(problem))
        if problems:
            raise OperationError("\n".join(problems))
        deployment = self._deployment(containers)
        return Entry(
            deployment=self._with_variables(deployment, containers),
            names=self._names,
            containers=containers,
            unexpressed=tuple(self._unexpressed),
        )

    def _note(self, resource: str, what: str) -> None:
        self._unexpressed.append(Unexpressed(resource, what))

    def _deployment(self, containers: Mapping[str, LiveContainer]) -> Deployment:
        live, variant, configuration = self._live, self._live.variant, self._live.configuration
        pools = sorted(variant.get("InstancePools", []), key=lambda pool: pool.get("Priority", 0))
        types = [pool["InstanceType"] for pool in pools] or [variant["InstanceType"]]
        instances = int(variant.get("InitialInstanceCount", 1))
        desired = next((one.get("DesiredInstanceCount") for one in live.described.get("ProductionVariants", ())), None)
        scaling = instance_scaling_of(variant, instances)
        if desired not in (None, instances) and scaling is None:
            self._note(
                f"endpoint {live.name}",
                f"{desired} instances run, but its configuration has {instances}: an update of the endpoint "
                f"sets their number to {instances}",
            )
        for component in live.left_out:
            self._note(
                f"component {component.name}", "it is left out, so the proof does not count the resources of its copies"
            )
        return Deployment(
            name=self._name,
            instance_type=types[0],
            components=[self._component(one, containers[one.name]) for one in live.components],
            instances=instances,
            region=live.region,
            account=live.account,
            endpoint_name=live.name,
            variant_name=variant["VariantName"],
            network_isolation=bool(configuration.get("EnableNetworkIsolation")),
            instance_scaling=scaling,
            fallback_instance_types=tuple(types[1:]),
            capacity_reservation=variant.get("CapacityReservationConfig", {}).get("MlReservationArn"),
            routing=routing_of(variant),
            security=self._security(),
            monitoring=monitoring_of(configuration),
            data_capture=data_capture_of(configuration),
        )

    def _component(self, component: LiveComponent, container: LiveContainer) -> Component:
        specification = component.specifications[0]
        compute, startup = (specification.get(key, {}) for key in ("ComputeResourceRequirements", "StartupParameters"))
        resource = f"component {component.name}"
        publisher, is_published = publisher_of(container)
        if not is_published:
            self._note(resource, f"its image {container.image} differs from the published image of {container.engine}")
        if container.token and not self._token_secret:
            self._note(
                resource,
                f"the token in {container.token} is not written to the entry: name the secret that contains it with "
                f"--token-secret",
            )
        for secret in container.secrets:
            self._note(resource, f"the value of {secret} looks like a secret and is not written to the entry")
        name = self._named(component.name) if len(self._live.components) > 1 else None
        self._names[name or self._name] = component.name
        copies = component.described.get("RuntimeConfig", {}).get("DesiredCopyCount") or 1
        scaling, floor, unexpressed = scaling_of(component)
        for what in unexpressed:
            self._note(resource, what)
        return Component(
            model=container.model.id,
            config=container.config,
            name=name,
            engine=str(container.engine),
            image_source=publisher,
            copies=max(1, copies if floor is None else floor),
            tensor_parallel=_whole(compute.get("NumberOfAcceleratorDevicesRequired")),
            cpus=_plain(compute.get("NumberOfCpuCoresRequired")),
            memory_mib=compute.get("MinMemoryRequiredInMb"),
            weights=container.weights,
            token_secret=self._token_secret if container.token else None,
            startup_timeout_seconds=startup.get("ContainerStartupHealthCheckTimeoutInSeconds"),
            scaling=scaling,
            placement=placement_of(specification),
            data_cache=specification.get("DataCacheConfig", {}).get("EnableCaching"),
            adapters=tuple(self._adapters(component, container)),
            **container.options,
        )

    def _adapters(self, component: LiveComponent, container: LiveContainer) -> Iterator[Adapter]:
        settings = read_settings(
            container.kind, container.variables, has_local_weights=container.weights is not None
        ).adapters
        for adapter in self._live.adapters:
            if adapter.base == component.name:
                name = self._named(adapter.name)
                self._names[name] = adapter.name
                address = adapter.specifications[0].get("Container", {}).get("ArtifactUrl", "")
                yield Adapter(name=name, weights=address, rank=settings.rank if settings else 1)

    def _named(self, live_name: str) -> str:
        """Return the name that the entry gives to a live component: its live name without the endpoint's name as
        prefix.
        """
        short = live_name.removeprefix(f"{self._live.name}-")
        name = near_name(short) or "component"
        taken = {*self._names, self._name}
        return next(
            candidate
            for candidate in (name, *(f"{name}-{number}" for number in range(2, 100)))
            if candidate not in taken
        )

    def _security(self) -> Security:
        configuration = self._live.configuration
        vpc, role = configuration.get("VpcConfig"), configuration.get("ExecutionRoleArn")
        for component in self._live.components:
            for name, model in component.models.items():
                if model.get("ExecutionRoleArn") not in (None, role):
                    self._note(
                        f"model {name}",
                        f"its role {model['ExecutionRoleArn']} differs from the role of the configuration",
                    )
                if model.get("VpcConfig") != vpc:
                    self._note(f"model {name}", "its VPC differs from the VPC of the configuration")
        return Security(
            vpc=Vpc(subnets=list(vpc["Subnets"]), security_groups=list(vpc["SecurityGroupIds"])) if vpc else None,
            kms_key=configuration.get("KmsKeyId"),
            execution_role=role,
            tags=self._tags(),
        )

    def _tags(self) -> dict[str, str]:
        """Return the tags that all resources have, because the tags of an entry apply to all resources."""
        live = self._live
        resources = {
            **{arn.rpartition(":")[2].replace("/", " "): tags for arn, tags in live.tags.items()},
            **{
                f"component {live_component.name}": live_component.tags
                for live_component in (*live.components, *live.adapters)
            },
        }
        common = set.intersection(*(set(tags.items()) for tags in resources.values()))
        for resource, tags in resources.items():
            own = [f"{key}={value}" for key, value in tags.items() if (key, value) not in common]
            if own:
                self._note(
                    resource, f"other resources do not have its tags {', '.join(own)}: a deployment removes these tags"
                )
        return dict(sorted(common))

    def _with_variables(self, deployment: Deployment, containers: Mapping[str, LiveContainer]) -> Deployment:
        """Return the deployment with the container variables that neither its options nor its plan set."""
        planned = draft_of(deployment).components
        if len(planned) != len(deployment.components):
            return deployment
        components = []
        for component, plan in zip(deployment.components, planned, strict=True):
            container = containers[self._names[component.name or self._name]]
            own = {}
            for name, value in container.variables.items():
                option = container.kind.variables.option_of(name)
                if name in plan.environment:
                    continue
                if option:
                    self._note(
                        f"component {container.component}",
                        f"{name}={value} has the purpose of {option}=, so the entry does not contain this variable",
                    )
                else:
                    own[name] = value
            components.append(replace(component, environment=own))
        return replace(deployment, components=components)


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)


def _plain(number: Any) -> Any:
    """Return a whole number without its fraction."""
    return int(number) if number is not None and number == int(number) else number
