"""All endpoints that are declared together, with everything that the rules ask about."""

from __future__ import annotations

from dataclasses import dataclass

from replicas.endpoint.access import Role, WrittenText
from replicas.endpoint.components import Component, ScalingTarget
from replicas.endpoint.containers import Model
from replicas.endpoint.identity import Subject
from replicas.endpoint.variants import Configuration, Endpoint, Variant


@dataclass(frozen=True, kw_only=True)
class Unread:
    """Something that could not be read, and is therefore not judged."""

    subject: Subject
    why: str


@dataclass(frozen=True, kw_only=True)
class Topology:
    """Endpoints, components and what surrounds them. Plain data: what is not known is `Unknown`, with the reason."""

    variants: tuple[Variant, ...] = ()
    """Of every endpoint, with the components on them."""
    components: tuple[Component, ...] = ()
    """All of them: adapters, and those whose endpoint is not known, too."""
    endpoints: tuple[Endpoint, ...] = ()
    configurations: tuple[Configuration, ...] = ()
    models: tuple[Model, ...] = ()
    targets: tuple[ScalingTarget, ...] = ()
    roles: tuple[Role, ...] = ()
    texts: tuple[WrittenText, ...] = ()
    unread: tuple[Unread, ...] = ()
    region: str | None = None
    """Where it is deployed; None where that is not known."""

    @property
    def hosting_components(self) -> tuple[Component, ...]:
        """Components that host a model: all but adapters."""
        return tuple(component for component in self.components if component.adapter is None)

    def configuration(self, subject: Subject | None) -> Configuration | None:
        """A configuration by its identity."""
        return next((entry for entry in self.configurations if entry.subject == subject), None)

    def component(self, subject: Subject | None) -> Component | None:
        """A component by its identity."""
        return next((component for component in self.components if component.subject == subject), None)

    def target_of(self, component: Component) -> ScalingTarget | None:
        """What surely scales a component; the last where several do."""
        targets = [target for target in self.targets if target.component == component.subject and target.exists is None]
        return targets[-1] if targets else None
