"""Resources that an instance offers to copies, from the most permissive to the conservative bound (`sizing.claims`)."""

from __future__ import annotations

from fractions import Fraction

from replicas.catalogue import data
from replicas.catalogue.instances import Instance, instance_types
from replicas.endpoint.packing import Resources
from replicas.sizing import claims

_NOT_ENOUGH = (
    "a copy never spans instances, and a copy without room fails with 'There is not enough hardware resources on the "
    "instances' after minutes of paid instances"
)


def hard(instance: Instance) -> Resources:
    """Return the most permissive bound: the whole host, or less if AWS is known to have refused a smaller memory claim.

    No claim above this bound runs.
    """
    refused = _refused_memory(instance)
    memory = instance.memory_mib if refused is None else min(instance.memory_mib, refused - 1)
    return Resources(instance.accelerators, Fraction(instance.vcpus), memory)


def nearly_all(instance: Instance) -> Resources:
    """Nine tenths of the host: no larger claim is known to run, because the platform needs the rest."""
    host, known = hard(instance), claims.host(instance)
    return Resources(
        host.accelerators,
        max(host.cpus * Fraction(9, 10), known.cpus),
        max(int(host.memory_mib * Fraction(9, 10)), known.memory_mib),
    )


def why_not_enough(instance: Instance) -> str:
    """Return the consequence of missing room, with the refusals known for this instance type."""
    refused = _refused_memory(instance)
    if refused is None:
        return _NOT_ENOUGH
    host = next(name for name, claim in _refusals(instance) if claim == refused)
    as_much = "" if host == instance.name else ", whose host has as much memory or more,"
    return f"{_NOT_ENOUGH} (on {host}{as_much} AWS has refused a claim of {refused} MiB)"


def why_careful(instance: Instance) -> str:
    """Return the source of the conservative bound for this instance type."""
    bound = claims.claimable(instance)
    return (
        f"the host has more but keeps part of it for itself, and no source says how much: by estimate "
        f"copies can have {float(bound.cpus):g} CPUs ({bound.cpus_reason}) and {bound.memory_mib} MiB "
        f"({bound.memory_reason}) of one"
    )


def _refused_memory(instance: Instance) -> int | None:
    """Return the smallest memory claim that AWS refused for no other possible reason; None if there is none."""
    return min((claim for _, claim in _refusals(instance)), default=None)


def _refusals(instance: Instance) -> list[tuple[str, int]]:
    """Return the memory claims that AWS refused on hosts with at least as much memory, by instance type.

    A smaller host has no more room. Claims that are known to run on this instance type are left out.
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
