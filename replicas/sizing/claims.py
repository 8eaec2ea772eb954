"""Limits of the CPU and memory that inference components can reserve on a host.

SageMaker keeps part of every host for itself, and AWS does not publish how much. A reservation that is too large fails
only after minutes in which the instance is billed, with "There is not enough hardware resources on the instances for
this endpoint to create a copy of the inference component.", although the instance is healthy and empty. Default
reservations therefore follow a conservative rule. Larger reservations are accepted up to values that are known to run
(`data/claims.json`). A reservation does not limit a copy: a small reservation does not slow it down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

from replicas.catalogue import data
from replicas.catalogue.instances import Instance
from replicas.endpoint.packing import Resources
from replicas.units import MIB_PER_GIB

CPU_SHARE = Fraction(3, 4)
"""Share of a host's vCPUs that copies may reserve. Published recipes for hosts with 16 to 96 vCPUs use this share."""


@dataclass(frozen=True)
class Claimable:
    """CPU and memory that all copies on one host may reserve together, each with its source."""

    cpus: Fraction
    memory_mib: int
    cpus_reason: str
    memory_reason: str


@cache
def claimable(instance: Instance) -> Claimable:
    """Return the CPU and memory that copies may reserve on an instance type.

    Each value is the larger of the value of the rule, and of the largest reservation that is known to run on the type.
    """
    cpus, cpus_reason = _rule_for_cpus(instance)
    memory, memory_reason = _rule_for_memory(instance)
    for seen in data.load("claims")["seen"]:
        if seen["instance_type"] != instance.name or not seen["accepted"]:
            continue
        if seen.get("cpus", 0) > cpus:
            cpus, cpus_reason = Fraction(seen["cpus"]), f"largest reservation known to be accepted: {seen['source']}"
        if seen["memory_mib"] > memory:
            memory, memory_reason = seen["memory_mib"], f"largest reservation known to be accepted: {seen['source']}"
    return Claimable(cpus, memory, cpus_reason, memory_reason)


def host(instance: Instance) -> Resources:
    """Return the resources of one instance for copies: all accelerators, and the CPU and memory that may be
    reserved.
    """
    bound = claimable(instance)
    return Resources(instance.accelerators, bound.cpus, bound.memory_mib)


def default_cpus(instance: Instance, accelerators: int) -> tuple[float, str]:
    """Return the default number of CPU cores of a copy with this many accelerators, and the reason for this number.

    The copy gets the same share of the cores that the rule allows as of the host's accelerators.
    """
    cpus, rule = _rule_for_cpus(instance)
    part = cpus * accelerators / instance.accelerators
    # SageMaker accepts fractions of a core from 0.25 up; from one core on, the request is rounded down to whole cores.
    rounded = Fraction(int(part)) if part >= 1 else Fraction(int(part * 4), 4)
    reason = f"{accelerators}/{instance.accelerators} of {cpus} cores ({rule})"
    return float(rounded), reason


def default_memory_mib(instance: Instance, accelerators: int) -> tuple[int, str]:
    """Return the default host memory of a copy with this many accelerators, MiB, and the reason for this size.

    The copy gets the same share of the memory that the rule allows as of the host's accelerators.
    """
    memory, rule = _default_memory(instance)
    part = memory * accelerators // instance.accelerators
    rounded = part // MIB_PER_GIB * MIB_PER_GIB if part >= MIB_PER_GIB else part
    reason = f"{accelerators}/{instance.accelerators} of {memory} MiB ({rule})"
    return rounded, reason


def even_claim(need: Resources, instance: Instance) -> Resources:
    """Return the resources of a copy, with CPU and memory reduced to at most the defaults for its accelerators."""
    if not 1 <= need.accelerators <= instance.accelerators:
        return need
    cpus = Fraction(default_cpus(instance, need.accelerators)[0])
    memory = default_memory_mib(instance, need.accelerators)[0]
    return replace(need, cpus=min(need.cpus, cpus), memory_mib=min(need.memory_mib, memory))


def _rule_for_cpus(instance: Instance) -> tuple[Fraction, str]:
    cores = Fraction(int(CPU_SHARE * instance.vcpus))
    return cores, f"75 % of {instance.vcpus} vCPU, the share in published recipes"


def _default_memory(instance: Instance) -> tuple[int, str]:
    if instance.memory_mib <= 16 * MIB_PER_GIB:
        return (
            MIB_PER_GIB,
            "hosts with 16 GiB: 1,024 MiB were accepted and 4,096 MiB refused (measured on ml.g5.xlarge)",
        )
    if instance.memory_mib <= 32 * MIB_PER_GIB:
        return (
            instance.memory_mib // 4,
            f"25 % of {instance.memory_mib} MiB, the share in most samples for hosts with 32 GiB",
        )
    return instance.memory_mib // 2, f"50 % of {instance.memory_mib} MiB, the share in published recipes"


def _rule_for_memory(instance: Instance) -> tuple[int, str]:
    """Return the host memory that copies may reserve according to the rule, MiB, and the reason for this size.

    Recipes for the largest hosts reserve 65 to 73 % of the memory, which is more than the default share.
    """
    if instance.memory_mib < 1024 * MIB_PER_GIB:
        return _default_memory(instance)
    return (
        instance.memory_mib * 65 // 100,
        f"65 % of {instance.memory_mib} MiB, the share in recipes for hosts over 1 TiB",
    )
