"""Resources that an instance can give to copies, from the laxest to the careful bound (`replicas.sizing.claims`)."""

from __future__ import annotations

from fractions import Fraction

from replicas.catalogue import data
from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import Resources
from replicas.sizing import claims

_NOT_ENOUGH = (
    "a copy never spans instances, and one without room ends as 'There is not enough hardware resources on the "
    "instances' after minutes of paid instances"
)


def hard(instance: Instance) -> Resources:
    """The laxest bound: the whole host, or less if a smaller memory claim has been seen refused.

    No claim above this bound runs.
    """
    refused = _refused_memory(instance)
    memory = instance.memory_mib if refused is None else min(instance.memory_mib, refused - 1)
    return Resources(instance.accelerators, Fraction(instance.vcpus), memory)


def nearly_all(instance: Instance) -> Resources:
    """Nine tenths of the host: no larger claim has been seen to run, because the platform needs the rest."""
    host, known = hard(instance), claims.host(instance)
    return Resources(
        host.accelerators,
        max(host.cpus * Fraction(9, 10), known.cpus),
        max(int(host.memory_mib * Fraction(9, 10)), known.memory_mib),
    )


def why_not_enough(instance: Instance) -> str:
    """What happens to a copy without room, with what is known of this instance type."""
    refused = _refused_memory(instance)
    if refused is None:
        return _NOT_ENOUGH
    return f"{_NOT_ENOUGH} (on {instance.name} a claim of {refused} MiB has been seen refused)"


def why_careful(instance: Instance) -> str:
    """The source of the careful bound for this instance type."""
    bound = claims.claimable(instance)
    return (
        f"the host has more but keeps part of it for itself, and nobody publishes how much: as far as is known "
        f"copies can have {float(bound.cpus):g} CPUs ({bound.cpus_reason}) and {bound.memory_mib} MiB "
        f"({bound.memory_reason}) of one"
    )


def _refused_memory(instance: Instance) -> int | None:
    """The smallest refused memory claim, if memory is the only possible reason for the refusal."""
    return min(
        (
            int(seen["memory_mib"])
            for seen in data.load("claims")["seen"]
            if seen["instance_type"] == instance.name and not seen["accepted"] and "cpus" not in seen
        ),
        default=None,
    )
