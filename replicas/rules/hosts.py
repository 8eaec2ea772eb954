"""Bounds of the resources that copies can reserve on an instance, from permissive to conservative (`sizing.claims`)."""

from __future__ import annotations

from fractions import Fraction

from replicas.catalogue import data
from replicas.catalogue.instances import Instance, instance_types
from replicas.endpoint.packing import Resources
from replicas.sizing import claims

_NOT_ENOUGH = (
    "a copy cannot be split over instances, and a copy that does not fit fails with 'There is not enough hardware "
    "resources on the instances' after minutes in which the instances are billed"
)


def hard(instance: Instance) -> Resources:
    """Return the most permissive upper bound of what copies on one instance reserve together: the whole host.

    If AWS has refused a reservation of less memory than the host has, the memory is one MiB below the smallest refused
    reservation. Copies above this bound certainly do not run.
    """
    refused = _refused_memory(instance)
    memory = instance.memory_mib if refused is None else min(instance.memory_mib, refused - 1)
    return Resources(instance.accelerators, Fraction(instance.vcpus), memory)


def nearly_all(instance: Instance) -> Resources:
    """Return nine tenths of the host's CPU and memory, or the conservative bound if it is higher.

    No larger reservation is known to run: the platform itself needs part of the host.
    """
    host, known = hard(instance), claims.host(instance)
    return Resources(
        host.accelerators,
        max(host.cpus * Fraction(9, 10), known.cpus),
        max(int(host.memory_mib * Fraction(9, 10)), known.memory_mib),
    )


def why_not_enough(instance: Instance) -> str:
    """Return the consequence of missing capacity, and the known refusals for this instance type."""
    refused = _refused_memory(instance)
    if refused is None:
        return _NOT_ENOUGH
    host = next(name for name, claim in _refusals(instance) if claim == refused)
    as_much = "" if host == instance.name else ", which has at least as much memory,"
    return f"{_NOT_ENOUGH} (on {host}{as_much} AWS has refused a reservation of {refused} MiB)"


def why_careful(instance: Instance) -> str:
    """Return the source of the conservative bound for this instance type."""
    bound = claims.claimable(instance)
    return (
        f"the host needs part of its resources itself, and no source states how much: the estimate for copies on one "
        f"instance is {float(bound.cpus):g} CPUs ({bound.cpus_reason}) and {bound.memory_mib} MiB "
        f"({bound.memory_reason})"
    )


def _refused_memory(instance: Instance) -> int | None:
    """Return the smallest memory reservation that AWS certainly refused for lack of memory; None if unknown."""
    return min((claim for _, claim in _refusals(instance)), default=None)


def _refusals(instance: Instance) -> list[tuple[str, int]]:
    """Return the memory reservations that AWS refused on hosts with at least as much memory, by instance type.

    A refusal on a larger host also applies to a smaller one. Reservations that are known to run on this instance type
    are omitted.
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
