"""Rules about capacity: whether the copies fit the instances.

The rules compare the reserved resources with three bounds, from the most permissive to the most conservative:

- All resources of the host. If AWS is known to have refused a reservation of less memory than the host has, the memory
  is below the refused reservation. Copies above this bound certainly do not run.
- Nine tenths of the CPU and memory of the host.
- The largest reservation that AWS is known to have accepted, or a conservative estimate (`replicas.sizing.claims`).

A reservation between the last two bounds may or may not run, so its finding is a warning. An unknown reservation
counts as 0: if the known reservations alone do not fit, the finding is a problem.
"""

from __future__ import annotations

from collections.abc import Iterator

from replicas.catalogue.instances import Instance, absence, instance_types
from replicas.endpoint.components import Claims, Component, Specification
from replicas.endpoint.identity import Number, Subject
from replicas.endpoint.packing import NotJudged
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, text_of
from replicas.endpoint.variants import Variant
from replicas.rules import hosts, mixes
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.demands import demands_of, types_of
from replicas.rules.finding import Case, Quantity, Search, Unjudged
from replicas.rules.shortage import Shortage
from replicas.sizing import claims

_ALL_FIT = "whether all copies fit"


def shortage_on(variant: Variant, instance: Instance) -> Shortage:
    """Compare a variant's copies with its maximum number of instances, all of one instance type."""
    return Shortage(
        variant=variant,
        all_demands=demands_of(variant, instance.name),
        instance=instance,
        known_instances=variant.instances.at_most,
    )


@rule(
    "over-committed",
    checks="Copies do not fit the instances of their endpoint.",
    why="{why}",
    source="data/instances.json: resources of each host; public issues quote the message",
    enforced=enforced_by(
        "CreateInferenceComponent",
        "quoted",
        "'There is not enough hardware resources on the instances for this endpoint to create a copy of the "
        "inference component'",
    ),
    needs_proof=True,
)
def over_committed(topology: Topology) -> Iterator[Case | Unjudged]:
    """The copies of a variant must fit its instances. Unknown settings are yielded as not judged."""
    for variant in topology.variants:
        if not variant.components or variant.settings.is_serverless:
            continue
        yield from _unjudged_types(variant)
        yield from _unjudged_counts(variant)
        for instance in types_of(variant.instances):
            shortage, room = shortage_on(variant, instance), hosts.hard(instance)
            hard, careful = shortage.packing(room), shortage.packing(claims.host(instance))
            if hard.fits is False and never_runs(variant, instance):
                yield _case(shortage, hosts.why_not_enough(instance))
                continue
            # Copies that exceed the conservative bound may still fit the whole host.
            answer = hard if careful.fits is False else careful
            if isinstance(answer, NotJudged):
                alone = f" {instance.name} alone" if is_pooled(variant) else ""
                yield Unjudged(
                    subject=variant.endpoint,
                    question=f"{_ALL_FIT}{alone}",
                    search=Search(placed="all copies", packing=answer, instance_type=instance.name),
                )


@rule(
    "over-claimed",
    checks="Copies reserve more CPU or memory than AWS is known to have accepted (warning up to 90 % of the host).",
    why="{why}",
    source="data/claims.json: reservations that AWS accepted or refused, each with its source",
    needs_proof=True,
)
def over_claimed(topology: Topology) -> Iterator[Case]:
    """The memory of the copies must stay below the conservative bound of a host (`replicas.sizing.claims`)."""
    for variant in topology.variants:
        for instance in types_of(variant.instances) if variant.components else ():
            shortage = shortage_on(variant, instance)
            if shortage.packing(hosts.hard(instance)).fits is False:
                continue
            if shortage.packing(claims.host(instance)).fits is False:
                nearly = shortage.packing(hosts.nearly_all(instance)).fits is False
                yield _case(shortage, hosts.why_careful(instance), certain=nearly and not is_pooled(variant))


@rule(
    "start-over-committed",
    severity="warning",
    checks="Copies do not fit the initial instances: SageMaker must add instances before all copies run (warning).",
    why="the other copies wait until SageMaker has added instances, which takes minutes and fails if AWS "
    "has no capacity",
    needs_proof=True,
)
def start_over_committed(topology: Topology) -> Iterator[Case]:
    """Copies must fit the initial number of instances, not only the maximum number."""
    for variant in topology.variants:
        start, most = variant.instances.at_start, variant.instances.at_most
        if not variant.components or start is None or most is None or start >= most:
            continue
        for instance in types_of(variant.instances):
            shortage, room = shortage_on(variant, instance), claims.host(instance)
            if shortage.packing(room).fits and shortage.on(start).packing(room).fits is False:
                yield Case(subject=variant.endpoint, shortage=shortage.on(start))


def _case(shortage: Shortage, why: str, *, certain: bool = True) -> Case:
    room = hosts.hard(shortage.instance)
    if shortage.packing(room).fits is not False and not shortage.too_large(room):
        room = claims.host(shortage.instance)
    return Case(
        subject=shortage.variant.endpoint, shortage=shortage, numbers={"room": room, "why": why}, certain=certain
    )


def never_runs(variant: Variant, instance: Instance) -> bool:
    """Return whether copies that do not fit instances of one type certainly cannot run.

    With instance pools, copies that fit a single instance may fit a mix with larger instance types.
    """
    if not is_pooled(variant) or shortage_on(variant, instance).too_large(hosts.hard(instance)):
        return True
    types = types_of(variant.instances)
    is_complete = len(types) == len(variant.instances.pools) and variant.instances.unknown_pools is None
    return is_complete and mixes.fits_no_mix([shortage_on(variant, other) for other in types])


def is_pooled(variant: Variant) -> bool:
    """True if SageMaker chooses the instance types of a variant from its pools."""
    return variant.instances.type_name is None and bool(variant.instances.pools)


def _unjudged_types(variant: Variant) -> Iterator[Unjudged]:
    configuration, given = variant.configuration.subject, variant.instances.instance_type
    names = variant.instances.pools if is_pooled(variant) else ()
    if variant.instances.unknown_pools is not None:
        unknown = variant.instances.unknown_pools
        yield Unjudged(subject=configuration, question=_ALL_FIT, quantity="instance type", unknown=unknown)
    elif not names and (given is None or isinstance(given, Unknown)):
        yield Unjudged(subject=configuration, question=_ALL_FIT, quantity="instance type", unknown=given)
    for name in names or ([given] if isinstance(given, str) else []):
        if name not in instance_types():
            missing = Unknown(absence(text_of(name)))
            yield Unjudged(subject=configuration, question="", unknown=missing)


def _unjudged_counts(variant: Variant) -> Iterator[Unjudged]:
    instances = variant.instances
    if instances.at_most is None:
        given, quantity = _count_of(variant)
        yield _open(variant.configuration.subject, quantity, given)
    for component in variant.components:
        yield from _unjudged_component(component, instances.type_name)


def _count_of(variant: Variant) -> tuple[Number, Quantity]:
    instances = variant.instances
    return (instances.most, "most instances") if instances.is_scaled else (instances.initial, "instances")


def _unjudged_component(component: Component, instance_type: str | None) -> Iterator[Unjudged]:
    if component.exists is not None:
        yield Unjudged(subject=component.subject, question=_ALL_FIT, quantity="existence", unknown=component.exists)
    if isinstance(component.copies, Unknown):
        yield _open(component.subject, "copies", component.copies)
    specifications = list(component.specifications)
    if instance_type is not None:
        chosen = component.specification_for(instance_type)
        if chosen is None:
            missing = Unknown(f"it does not have exactly one specification for {instance_type}")
            yield Unjudged(subject=component.subject, question="", unknown=missing)
        specifications = [chosen] if chosen else []
    for specification in specifications:
        yield from _unjudged_claims(component, specification)


def _unjudged_claims(component: Component, specification: Specification) -> Iterator[Unjudged]:
    reserved = specification.claims
    if isinstance(reserved, Unknown):
        yield _open(component.subject, "claims", reserved)
    elif isinstance(reserved, Claims):
        claimed: tuple[tuple[Quantity, Number], ...] = (
            ("accelerators", reserved.accelerators),
            ("cpus", reserved.cpus),
            ("memory", reserved.memory_mib),
        )
        for quantity, value in claimed:
            if isinstance(value, Unknown):
                yield _open(component.subject, quantity, value)


def _open(subject: Subject, quantity: Quantity, given: Number) -> Unjudged:
    unknown = given if isinstance(given, Unknown) else Unknown("it is not given")
    return Unjudged(subject=subject, question=_ALL_FIT, quantity=quantity, unknown=unknown)
