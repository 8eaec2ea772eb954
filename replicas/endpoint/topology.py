"""All endpoints of one template or deployment, with all the resources that the rules check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from replicas.endpoint.access import Protected, Role, WrittenText
from replicas.endpoint.alarms import Alarm, WatchedMetric
from replicas.endpoint.components import Component, InstanceTarget, ScalingTarget
from replicas.endpoint.containers import Container, Model, NamedModel
from replicas.endpoint.identity import Subject
from replicas.endpoint.policies import ScalingPolicy
from replicas.endpoint.variants import Configuration, Endpoint, Variant, VariantSettings
from replicas.endpoint.wiring import Wiring


@dataclass(frozen=True, kw_only=True)
class Unread:
    """A resource, or a part of a template, that could not be read and is therefore not checked."""

    subject: Subject
    why: str
    question: str = ""
    """The question that is not judged; empty if the whole resource is not judged."""
    parameters: tuple[str, ...] = ()
    """Template parameters whose values are needed to read the resource."""


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A fault for which CloudFormation refuses the template before any resource changes."""

    subject: Subject
    message: str
    """CloudFormation's message, or a sentence that states the rule."""
    is_certain: bool
    """True if a public source quotes the message or documents the rule."""
    source: str


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Endpoints, components and related resources. Plain data: unknown values are `Unknown`, with the reason."""

    variants: tuple[Variant, ...] = ()
    """The production variants of all endpoints, with the components on them."""
    components: tuple[Component, ...] = ()
    """All inference components, including adapters and components whose endpoint is unknown."""
    endpoints: tuple[Endpoint, ...] = ()
    configurations: tuple[Configuration, ...] = ()
    models: tuple[Model, ...] = ()
    targets: tuple[ScalingTarget, ...] = ()
    instance_targets: tuple[InstanceTarget, ...] = ()
    policies: tuple[ScalingPolicy, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    metrics: tuple[WatchedMetric, ...] = ()
    """Metrics that the alarms and the scaling policies watch."""
    roles: tuple[Role, ...] = ()
    protected: tuple[Protected, ...] = ()
    """Buckets, repositories and keys that are created together with the endpoints."""
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Replacements for placeholders such as `${Bucket.Arn}`. After replacement, all texts of one ARN are equal."""
    texts: tuple[WrittenText, ...] = ()
    unread: tuple[Unread, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    wiring: Wiring = field(default_factory=Wiring)
    """Faults in how the resources refer to each other."""
    named_models: Mapping[str, NamedModel] = field(default_factory=dict)
    """Served models that an option or tag names. The key is the name of the SageMaker model or of the component."""
    region: str | None = None
    """AWS region of the deployment; None if it is unknown."""

    @property
    def hosting_components(self) -> tuple[Component, ...]:
        """Components that host a model: all components except adapters."""
        return tuple(component for component in self.components if component.adapter is None)

    @property
    def own_containers(self) -> Iterator[tuple[Component, Container]]:
        """Yield the containers that components declare themselves, in addition to or instead of a SageMaker model."""
        return (
            (component, specification.own_container)
            for component in self.components
            for specification in component.specifications
            if specification.own_container is not None
        )

    @property
    def declared_containers(self) -> Iterator[tuple[Subject, Container]]:
        """Yield all containers of models, then the containers that components declare themselves."""
        yield from ((model.subject, container) for model in self.models for container in model.containers)
        yield from ((component.subject, container) for component, container in self.own_containers)

    @property
    def configured_variants(self) -> Iterator[tuple[Configuration, VariantSettings]]:
        """Yield every variant of every configuration, including configurations that no endpoint uses."""
        return ((configuration, variant) for configuration in self.configurations for variant in configuration.variants)

    def configuration(self, subject: Subject | None) -> Configuration | None:
        """Return the configuration with this identity; None if there is none."""
        return next((entry for entry in self.configurations if entry.subject == subject), None)

    def role(self, subject: Subject | None) -> Role | None:
        """Return the role with this identity; None if there is none."""
        return next((role for role in self.roles if role.subject == subject), None)

    def component(self, subject: Subject | None) -> Component | None:
        """Return the component with this identity; None if there is none."""
        return next((component for component in self.components if component.subject == subject), None)

    def target_of(self, component: Component) -> ScalingTarget | None:
        """Return the scaling target that certainly scales a component; the last one if there are several."""
        targets = [target for target in self.targets if target.component == component.subject and target.exists is None]
        return targets[-1] if targets else None
