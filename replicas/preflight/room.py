"""What an update starts beside the live copies, and whether the instances have room for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replicas.catalogue.instances import Instance
from replicas.endpoint.components import Batch, Component
from replicas.endpoint.packing import Resources, fewest_instances, place
from replicas.endpoint.values import text_of
from replicas.endpoint.variants import Variant
from replicas.names import ResourceType
from replicas.preflight.checks import Checked, State
from replicas.preflight.needs import Declared
from replicas.rules.demands import Demand, demands_of, instance_of
from replicas.sizing import claims
from replicas.template.differences import differences
from replicas.template.updates import ROLLING, Outcome


@dataclass(frozen=True)
class LiveComponent:
    """An inference component that the deployed stack has."""

    name: str
    desired: int
    """Copies."""
    claim: Resources
    """Of each."""
    place: tuple[str, str]
    """Endpoint and variant, by their names."""


@dataclass(frozen=True)
class Live:
    """What a stack has deployed."""

    status: str
    template: Mapping[str, Any]
    names: Mapping[str, str]
    """On AWS, by logical id."""
    components: Mapping[str, LiveComponent]
    """Base components by logical id; those that are gone are left out."""
    instances: Mapping[tuple[str, str], int]
    """That run, by endpoint and variant."""

    def on(self, variant: Variant) -> tuple[dict[str, LiveComponent], int]:
        """Components and instances of one variant of the new template."""
        place = (self.names.get(variant.endpoint.name, ""), text_of(variant.settings.name))
        here = {key: part for key, part in self.components.items() if part.place == place}
        return here, self.instances.get(place, 0)


class Changes:
    """What an update from the deployed template to the new one does, resource by resource."""

    def __init__(self, old: Declared, new: Declared, region: str) -> None:
        self.old = old
        self._changes = differences(old.resources.template, new.resources.template, region=region)

    def touches(self, logical_id: str) -> bool:
        """Whether an update surely touches a resource: its properties change, or the resource that they name does."""
        return self._changes[logical_id].certain_outcome is not Outcome.UNCHANGED

    def rolls(self, component: Component) -> bool:
        """Whether a component starts new copies: what it runs or claims differs, not only how many there are."""
        return bool(self._changes[component.subject.name].changed(*ROLLING[ResourceType.COMPONENT]))


def room_check(variant: Variant, live: Live, changes: Changes) -> Iterator[Checked]:
    """Whether the copies that an update starts beside the live copies of a variant have room."""
    components, running = live.on(variant)
    what = f"room on {variant.endpoint.name}"
    if not components:
        yield Checked(what, State.OK, "nothing is deployed that would need room beside it")
        return
    old = _old_variant(changes.old, variant)
    instance, most = instance_of(variant.instances), variant.instances.at_most
    if instance is None or most is None:
        yield Checked(
            what, State.UNKNOWN, "the template does not tell one known instance type and how many there can be"
        )
        return
    if old is not None and instance_of(old.instances) != instance:
        said = "the instance type changes; how the service moves components then is not known"
        yield Checked(what, State.UNKNOWN, said, "the safe way: the new type as a second deployment")
        return
    # The endpoint is updated before its components: instances that the template adds are there when they roll.
    grows = variant.instances.is_scaled or changes.touches(variant.configuration.subject.name)
    update = _Update.of(variant, components, changes, instances=most if grows else running or most)
    host = _host(instance, list(components.values()), max(running, 1))
    live_fit = place(update.needs, update.copies, host, most).fits
    if most < running and live_fit is False:
        said = f"{running} instances run and the template ends with {most}: {sum(update.copies)} live copies need more"
        yield Checked(what, State.FAULT, said, "lower the copies in a deployment of their own before the instances")
        return
    if not update.started:
        yield Checked(what, State.OK, "no component is replaced or rolled")
        return
    said, fits = update.sentence(instance), place(update.all_needs, update.all_copies, host, update.instances)
    if fits.fits:
        yield Checked(what, State.OK, said)
    elif fits.fits is None:
        yield Checked(what, State.UNKNOWN, f"{said}; whether all of them fit is not judged: {fits.why}")
    else:
        yield Checked(what, State.FAULT, said, update.fix(host))


@dataclass(frozen=True, kw_only=True)
class _Update:
    """The live copies of a variant, and those that an update starts beside them."""

    variant: Variant
    live: Mapping[str, LiveComponent]
    rolled: tuple[tuple[Demand, int], ...]
    """Components that roll, each with the copies of a batch."""
    added: tuple[tuple[Demand, int], ...]
    """New components, each with its copies."""
    instances: int

    @staticmethod
    def of(variant: Variant, live: Mapping[str, LiveComponent], changes: Changes, *, instances: int) -> _Update:
        """What an update of a variant starts."""
        rolled, added = [], []
        for demand in demands_of(variant):
            component = demand.component
            deployed = live.get(component.subject.name)
            if deployed is None:
                added.append((demand, demand.copies or 1))
            elif changes.rolls(component):
                rolled.append((demand, _batch(component, deployed.desired)))
        return _Update(variant=variant, live=live, rolled=tuple(rolled), added=tuple(added), instances=instances)

    @property
    def started(self) -> tuple[tuple[Demand, int], ...]:
        """All copies that start."""
        return (*self.rolled, *self.added)

    @property
    def needs(self) -> list[Resources]:
        """What a live copy of each component claims."""
        return [deployed.claim for deployed in self.live.values()]

    @property
    def copies(self) -> tuple[int, ...]:
        """Live copies of each component."""
        return tuple(deployed.desired for deployed in self.live.values())

    @property
    def all_needs(self) -> list[Resources]:
        """What live copies and those that start claim."""
        return [*self.needs, *(demand.least_need for demand, _ in self.started)]

    @property
    def all_copies(self) -> tuple[int, ...]:
        """Live copies, and those that start."""
        return (*self.copies, *(count for _, count in self.started))

    def sentence(self, instance: Instance) -> str:
        """What starts, and what is taken."""
        starts = [f"a roll of {count} of {demand.component.subject.name}" for demand, count in self.rolled]
        starts += [f"{count} of {demand.component.subject.name}, which is new," for demand, count in self.added]
        claimed = sum(demand.least_need.accelerators * count for demand, count in self.started)
        taken = sum(need.accelerators * count for need, count in zip(self.needs, self.copies, strict=True))
        return (
            f"{' and '.join(starts)} need{'s' if len(starts) == 1 else ''} {claimed} free "
            f"{'accelerator' if claimed == 1 else 'accelerators'} beside the live copies; {taken} of "
            f"{self.instances * instance.accelerators} are taken"
        )

    def fix(self, host: Resources) -> str:
        """The nearest change with which all copies have room."""
        fewest = fewest_instances(self.all_needs, self.all_copies, host)
        setting = "max_instances" if self.variant.instances.is_scaled else "instances"
        more = f"{setting}={fewest}, or " if isinstance(fewest, int) and fewest > self.instances else ""
        kept = {demand.component.subject.name for demand in demands_of(self.variant)}
        gone = [deployed.name for logical_id, deployed in self.live.items() if logical_id not in kept]
        replaced = f" (it replaces {', '.join(gone)}, which is deleted only afterwards)" if gone else ""
        return f"{more}fewer copies first, or the change as a second deployment{replaced}"


def _old_variant(old: Declared, variant: Variant) -> Variant | None:
    same = [other for other in old.topology.variants if other.endpoint == variant.endpoint]
    return next((other for other in same if other.settings.name == variant.settings.name), next(iter(same), None))


def _host(instance: Instance, deployed: Sequence[LiveComponent], instances: int) -> Resources:
    """What copies can have of one instance: by the careful rule, or all of it where live copies have more already."""
    careful = claims.host(instance)
    needs, copies = [entry.claim for entry in deployed], tuple(entry.desired for entry in deployed)
    if place(needs, copies, careful, instances).fits:
        return careful
    return Resources.of(instance.accelerators, instance.vcpus, instance.memory_mib)


def _batch(component: Component, copies: int) -> int:
    """Copies that a roll starts at once, beside those that they replace."""
    batch = component.roll.batch if component.roll else None
    # Without a policy the service's own way is not published: one copy is the least.
    return min(copies, batch.of(copies) if isinstance(batch, Batch) else 1)
