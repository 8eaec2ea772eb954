"""Resources that an instance can give to copies, from the laxest to the careful bound (`replicas.sizing.claims`)."""

from __future__ import annotations

from fractions import Fraction

from replicas.catalogue import data
from replicas.catalogue.instances import Instance, instance_types
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
    host = next(name for name, claim in _refusals(instance) if claim == refused)
    as_much = "" if host == instance.name else ", whose host has as much memory or more,"
    return f"{_NOT_ENOUGH} (on {host}{as_much} a claim of {refused} MiB has been seen refused)"


def why_careful(instance: Instance) -> str:
    """The source of the careful bound for this instance type."""
    bound = claims.claimable(instance)
    return (
        f"the host has more but keeps part of it for itself, and no source says how much: by estimate "
        f"copies can have {float(bound.cpus):g} CPUs ({bound.cpus_reason}) and {bound.memory_mib} MiB "
        f"({bound.memory_reason}) of one"
    )


def _refused_memory(instance: Instance) -> int | None:
    """The smallest refused memory claim, if memory is the only possible reason for the refusal."""
    return min((claim for _, claim in _refusals(instance)), default=None)


def _refusals(instance: Instance) -> list[tuple[str, int]]:
    """Refused memory claims on hosts with at least as much memory, by instance type: a smaller host has no more room.

    A claim that has been seen to run on this very type outweighs them.
    """
    seen = data.load("claims")["seen"]
    own = [entry for entry in seen if entry["instance_type"] == instance.name and entry["accepted"]]
    most = max((int(entry["memory_mib"]) for entry in own), default=0)
    return [
        (entry["instance_type"], int(entry["memory_mib"]))
        for entry in seen
        if not entry["accepted"]
        and "cpus" not in entry
        and int(entry["memory_mib"]) > most
        and instance_types()[entry["instance_type"]].memory_mib >= instance.memory_mib
    ]
