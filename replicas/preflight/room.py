"""Checks that the copies that an update starts fit on the instances in addition to the live copies. Makes no AWS
call.
"""

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
from replicas.units import counted


@dataclass(frozen=True)
class LiveComponent:
    """A live inference component of the stack."""

    name: str
    desired: int
    """Desired copies."""
    claim: Resources
    """Resources reserved by each copy."""
    place: tuple[str, str]
    """Names of the endpoint and the variant."""


@dataclass(frozen=True)
class Live:
    """The live state of a stack."""

    status: str
    template: Mapping[str, Any]
    names: Mapping[str, str]
    """Physical names by logical id."""
    components: Mapping[str, LiveComponent]
    """Base components by logical id, without deleted components."""
    instances: Mapping[tuple[str, str], int]
    """Running instances by endpoint and variant."""

    def on(self, variant: Variant) -> tuple[dict[str, LiveComponent], int]:
        """Return the live components and running instances on one variant of the new template."""
        place = (self.names.get(variant.endpoint.name, ""), text_of(variant.settings.name))
        here = {key: component for key, component in self.components.items() if component.place == place}
        return here, self.instances.get(place, 0)


class Changes:
    """The changes of each resource from the deployed template to the new one."""

    def __init__(self, old: Declared, new: Declared, region: str) -> None:
        self.old = old
        self._changes = differences(old.resources.template, new.resources.template, region=region)

    def touches(self, logical_id: str) -> bool:
        """True if an update changes a resource with certainty, directly or through a resource that it refers to."""
        return self._changes[logical_id].certain_outcome is not Outcome.UNCHANGED

    def rolls(self, component: Component) -> bool:
        """True if an update starts new copies of a component because its specification changes."""
        return bool(self._changes[component.subject.name].changed(*ROLLING[ResourceType.COMPONENT]))


def room_check(variant: Variant, live: Live, changes: Changes) -> Iterator[Checked]:
    """Check that the copies that an update starts on a variant fit together with the live copies."""
    components, running = live.on(variant)
    what = f"room on {variant.endpoint.name}"
    if not components:
        yield Checked(what, State.OK, "no component is deployed, so no additional room is needed")
        return
    old = _old_variant(changes.old, variant)
    instance, most = instance_of(variant.instances), variant.instances.at_most
    if instance is None or most is None:
        yield Checked(
            what,
            State.UNKNOWN,
            "the template does not determine one known instance type and the maximum number of instances",
        )
        return
    if old is not None and instance_of(old.instances) != instance:
        explanation = "the instance type changes, and how SageMaker then moves components is not known"
        yield Checked(what, State.UNKNOWN, explanation, "deploy the new instance type as a second deployment")
        return
    # CloudFormation updates the endpoint before its components, so added instances are running when components roll.
    grows = variant.instances.is_scaled or changes.touches(variant.configuration.subject.name)
    update = _Update.of(variant, components, changes, instances=most if grows else running or most)
    host = _host(instance, list(components.values()), max(running, 1))
    live_fit = place(update.needs, update.copies, host, most).fits
    if most < running and live_fit is False:
        explanation = (
            f"{running} instances run and the template allows {most}, but {sum(update.copies)} live copies need more"
        )
        yield Checked(
            what, State.FAULT, explanation, "reduce the copies first, then the instances in a second deployment"
        )
        return
    if not update.started:
        yield Checked(what, State.OK, "no component is replaced or gets a rolling update")
        return
    explanation, fits = update.sentence(instance), place(update.all_needs, update.all_copies, host, update.instances)
    if fits.fits:
        yield Checked(what, State.OK, explanation)
    elif fits.fits is None:
        yield Checked(what, State.UNKNOWN, f"{explanation}; whether all of them fit is not judged: {fits.why}")
    else:
        yield Checked(what, State.FAULT, explanation, update.fix(host))


@dataclass(frozen=True, kw_only=True)
class _Update:
    """The live copies of a variant, and the additional copies that an update starts."""

    variant: Variant
    live: Mapping[str, LiveComponent]
    rolled: tuple[tuple[Demand, int], ...]
    """Components with a rolling update, each with the copies of one batch."""
    added: tuple[tuple[Demand, int], ...]
    """New components, each with its number of copies."""
    instances: int

    @staticmethod
    def of(variant: Variant, live: Mapping[str, LiveComponent], changes: Changes, *, instances: int) -> _Update:
        """Determine which copies an update starts on a variant."""
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
        """Rolled and new components, each with the number of copies that the update starts."""
        return (*self.rolled, *self.added)

    @property
    def needs(self) -> list[Resources]:
        """Resources of one live copy, for each component."""
        return [deployed.claim for deployed in self.live.values()]

    @property
    def copies(self) -> tuple[int, ...]:
        """Number of live copies, for each component."""
        return tuple(deployed.desired for deployed in self.live.values())

    @property
    def all_needs(self) -> list[Resources]:
        """Resources of one copy, for each component: first live copies, then copies that start."""
        return [*self.needs, *(demand.least_need for demand, _ in self.started)]

    @property
    def all_copies(self) -> tuple[int, ...]:
        """Number of copies of each component: first live copies, then copies that start (as in `all_needs`)."""
        return (*self.copies, *(count for _, count in self.started))

    def sentence(self, instance: Instance) -> str:
        """Return a sentence about the copies that start, and the accelerators in use."""
        starts = [f"a rolling update of {count} of {demand.component.subject.name}" for demand, count in self.rolled]
        starts += [
            f"the start of {counted(count, 'copy', 'copies')} of the new component {demand.component.subject.name}"
            for demand, count in self.added
        ]
        claimed = sum(demand.least_need.accelerators * count for demand, count in self.started)
        taken = sum(need.accelerators * count for need, count in zip(self.needs, self.copies, strict=True))
        return (
            f"{' and '.join(starts)} need{'s' if len(starts) == 1 else ''} {claimed} free "
            f"{'accelerator' if claimed == 1 else 'accelerators'} in addition to the live copies; {taken} of "
            f"{self.instances * instance.accelerators} are in use"
        )

    def fix(self, host: Resources) -> str:
        """Return the smallest change with which all copies fit."""
        fewest = fewest_instances(self.all_needs, self.all_copies, host)
        setting = "max_instances" if self.variant.instances.is_scaled else "instances"
        more = f"set {setting}={fewest}, or " if isinstance(fewest, int) and fewest > self.instances else ""
        remaining = {demand.component.subject.name for demand in demands_of(self.variant)}
        gone = [deployed.name for logical_id, deployed in self.live.items() if logical_id not in remaining]
        verb, event = ("is", "its replacement runs") if len(gone) == 1 else ("are", "their replacements run")
        replaced = f" ({', '.join(gone)} {verb} deleted only after {event})" if gone else ""
        return f"{more}reduce the copies first, or make the change in a second deployment{replaced}"


def _old_variant(old: Declared, variant: Variant) -> Variant | None:
    same = [other for other in old.topology.variants if other.endpoint == variant.endpoint]
    return next((other for other in same if other.settings.name == variant.settings.name), next(iter(same), None))


def _host(instance: Instance, deployed: Sequence[LiveComponent], instances: int) -> Resources:
    """Return the resources of one instance for copies: the host less the usual reserve of the platform.

    If the live copies do not fit these resources, the result is the whole host.
    """
    careful = claims.host(instance)
    needs, copies = [entry.claim for entry in deployed], tuple(entry.desired for entry in deployed)
    if place(needs, copies, careful, instances).fits:
        return careful
    return Resources.of(instance.accelerators, instance.vcpus, instance.memory_mib)


def _batch(component: Component, copies: int) -> int:
    """Return the number of copies in one batch of a rolling update. They start before the old copies stop."""
    batch = component.roll.batch if component.roll else None
    # SageMaker does not document its default batch; at least one copy is started.
    return min(copies, batch.of(copies) if isinstance(batch, Batch) else 1)
