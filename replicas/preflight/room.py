"""What an update starts beside the live copies, and whether the instances have room for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Any

from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import Resources, fewest_instances, place
from replicas.endpoint.values import Reference, at, number_of, text_of
from replicas.preflight.checks import Checked, State
from replicas.preflight.needs import leaves
from replicas.rules.demands import Demand, instance_of, is_scaled, most_instances
from replicas.sizing import claims
from replicas.template.endpoints import Component, Variant, View


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
        place = (self.names.get(variant.endpoint.logical_id, ""), text_of(variant.name))
        here = {key: part for key, part in self.components.items() if part.place == place}
        return here, self.instances.get(place, 0)


class Changes:
    """What differs between two templates, resource by resource, once everything that can be is worked out."""

    def __init__(self, old: View, new: View) -> None:
        self.old, self.new = old, new

    def touches(self, logical_id: str) -> bool:
        """Whether an update touches a resource: it differs, or a model that it names does."""
        return self._differs(logical_id) or any(map(self._differs, self._models_of(logical_id)))

    def rolls(self, component: Component) -> bool:
        """Whether a component starts new copies: what it runs or claims differs, not only how many there are."""
        logical_id = component.logical_id
        keys = ("Specification", "Specifications")
        old, new = (_properties(seen, logical_id) for seen in (self.old, self.new))
        return any(old.get(key) != new.get(key) for key in keys) or any(map(self._differs, self._models_of(logical_id)))

    def _differs(self, logical_id: str) -> bool:
        return _properties(self.old, logical_id) != _properties(self.new, logical_id)

    def _models_of(self, logical_id: str) -> list[str]:
        models = {model.logical_id for model in self.new.of_type("Model")}
        named = (value for _, value in leaves(_properties(self.new, logical_id)) if isinstance(value, Reference))
        return [value.logical_id for value in named if value.logical_id in models]


def _properties(seen: View, logical_id: str) -> Mapping[str, Any]:
    resource = seen.resolve(logical_id)
    return resource.properties if resource and isinstance(resource.properties, Mapping) else {}


def room_check(variant: Variant, demands: Sequence[Demand], live: Live, changes: Changes) -> Iterator[Checked]:
    """Whether what an update starts beside the live copies of a variant has room."""
    components, instances = live.on(variant)
    what = f"room on {variant.endpoint.logical_id}"
    rolled = [part for part in demands if part.component.logical_id in components and changes.rolls(part.component)]
    added = [part for part in demands if part.component.logical_id not in components]
    if not components:
        yield Checked(what, State.OK, "nothing is deployed that would need room beside it")
        return
    old = _old_variant(changes.old, variant)
    instance, most = instance_of(variant), most_instances(variant)
    if instance is None or most is None:
        yield Checked(
            what, State.UNKNOWN, "the template does not tell one known instance type and how many there can be"
        )
        return
    if old is not None and instance_of(old) != instance:
        said = "the instance type changes; how the service moves components then is not known"
        yield Checked(what, State.UNKNOWN, said, "the safe way: the new type as a second deployment")
        return
    # The endpoint is updated before its components: what the template adds is there when they roll.
    grows = is_scaled(variant) or changes.touches(variant.config.logical_id)
    there = most if grows else instances or most
    parts = list(components.values())
    host = _host(instance, parts, max(instances, 1))
    needs, counts = [part.claim for part in parts], [part.desired for part in parts]
    if most < instances and not place(needs, tuple(counts), host, most).fits:
        said = f"{instances} instances run and the template ends with {most}: {sum(counts)} live copies need more"
        yield Checked(what, State.FAULT, said, "lower the copies in a deployment of their own before the instances")
        return
    if not rolled and not added:
        yield Checked(what, State.OK, "no component is replaced or rolled")
        return
    news = [(part, _batch(part, components)) for part in rolled] + [(part, part.copies or 1) for part in added]
    all_needs = [*needs, *(part.least_need for part, _ in news)]
    all_counts = (*counts, *(count for _, count in news))
    told = " and ".join(
        [f"a roll of {count} of {part.component.logical_id}" for part, count in news[: len(rolled)]]
        + [f"{count} of {part.component.logical_id}, which is new," for part, count in news[len(rolled) :]]
    )
    claim = sum(part.least_need.accelerators * count for part, count in news)
    taken = sum(need.accelerators * count for need, count in zip(needs, counts, strict=True))
    said = f"{told} need{'s' if len(news) == 1 else ''} {claim} free {'accelerator' if claim == 1 else 'accelerators'} "
    said += f"beside the live copies; {taken} of {there * instance.accelerators} are taken"
    packing = place(all_needs, all_counts, host, there)
    if packing.fits:
        yield Checked(what, State.OK, said)
        return
    if packing.fits is None:
        yield Checked(what, State.UNKNOWN, f"{said}; whether all of them fit is not judged: {packing.why}")
        return
    yield Checked(
        what, State.FAULT, said, _fix(all_needs, all_counts, host, variant, there, gone=_gone(components, demands))
    )


def _old_variant(old: View, variant: Variant) -> Variant | None:
    same = [other for other in old.variants if other.endpoint.logical_id == variant.endpoint.logical_id]
    return next((other for other in same if other.name == variant.name), next(iter(same), None))


def _host(instance: Instance, parts: Sequence[LiveComponent], instances: int) -> Resources:
    """What copies can have of one instance: by the careful rule, or all of it where what runs already has more."""
    careful = claims.host(instance)
    if place([part.claim for part in parts], tuple(part.desired for part in parts), careful, instances).fits:
        return careful
    return Resources.of(instance.accelerators, instance.vcpus, instance.memory_mib)


def _batch(part: Demand, live: Mapping[str, LiveComponent]) -> int:
    """Copies that a roll starts at once, beside those that they replace."""
    copies = live[part.component.logical_id].desired
    size = part.component.resource.get("DeploymentConfig", "RollingUpdatePolicy", "MaximumBatchSize")
    value = number_of(at(size, "Value"))
    if not isinstance(value, Fraction):  # no policy: the service's way is not published, one copy is the least
        return min(copies, 1)
    number = ceil(copies * value / 100) if at(size, "Type") == "CAPACITY_PERCENT" else int(value)
    return min(copies, max(1, number))


def _gone(live: Mapping[str, LiveComponent], demands: Sequence[Demand]) -> list[str]:
    """Live components that the new template does not have: deleted only after the new ones run."""
    kept = {part.component.logical_id for part in demands}
    return [part.name for logical_id, part in live.items() if logical_id not in kept]


def _fix(
    needs: Sequence[Resources],
    counts: tuple[int, ...],
    host: Resources,
    variant: Variant,
    there: int,
    gone: Sequence[str],
) -> str:
    fewest = fewest_instances(needs, counts, host)
    how = "max_instances" if is_scaled(variant) else "instances"
    more = f"{how}={fewest}, or " if isinstance(fewest, int) and fewest > there else ""
    replaced = f" (it replaces {', '.join(gone)}, which is deleted only afterwards)" if gone else ""
    return f"{more}fewer copies first, or the change as a second deployment{replaced}"
