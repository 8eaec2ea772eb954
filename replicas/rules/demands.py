"""What the components of a variant want, and what instances there are for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from replicas.catalogue.instances import Instance, instance_types
from replicas.endpoint.packing import Resources
from replicas.endpoint.values import Unknown, Value, at, number_of, text_of
from replicas.template.endpoints import Component, Specification, Variant

_CPU_FAMILY = re.compile(r"ml\.[cmrt]\d")
"""Families without accelerators; the table of instances does not hold them."""


@dataclass(frozen=True)
class Demand:
    """What one component wants placed; None for what is not known or not valid."""

    component: Component
    copies: int | None
    accelerators: int | None
    cpus: Fraction | None
    memory_mib: int | None

    @property
    def is_known(self) -> bool:
        """True where nothing is missing to place it."""
        told = None not in (self.copies, self.accelerators, self.cpus, self.memory_mib)
        return told and self.component.resource.condition is None

    @property
    def least_copies(self) -> int:
        """Copies that there are in any case: SageMaker creates no component with 0."""
        if self.component.resource.condition is not None:
            return 0
        return 1 if self.copies is None else self.copies

    @property
    def least_need(self) -> Resources:
        """What a copy needs in any case."""
        return Resources(self.accelerators or 0, self.cpus or Fraction(0), self.memory_mib or 0)


def demands_of(variant: Variant, instance_type: str | None = None) -> tuple[Demand, ...]:
    """What the components of a variant want placed, on its own or on another instance type."""
    wanted = instance_type or instance_type_of(variant)
    return tuple(
        _demand(component, specification_for(component, wanted) if wanted else only_specification(component))
        for component in variant.components
    )


def specification_for(component: Component, instance_type: str) -> Specification | None:
    """What a copy on an instance type runs and claims; None where the component says nothing for that type."""
    only = only_specification(component)
    if only is not None and only.instance_type is None:
        return only
    wanted = (entry for entry in component.specifications if text_of(entry.instance_type) == instance_type)
    return next(wanted, None)


def only_specification(component: Component) -> Specification | None:
    """The one specification of a component; None where there are several."""
    return component.specifications[0] if len(component.specifications) == 1 else None


def instance_of(variant: Variant) -> Instance | None:
    """The variant's instance type, where it is told and in the table."""
    return instance_types().get(instance_type_of(variant) or "")


def instance_type_of(variant: Variant) -> str | None:
    """The name of the variant's instance type, where it is told."""
    name = at(variant.properties, "InstanceType")
    return name if isinstance(name, str) else None


def pool_types_of(variant: Variant) -> list[str]:
    """The instance types of a variant's instance pools, as far as they are told; none without pools."""
    pools = at(variant.properties, "InstancePools")
    names = [at(pool, "InstanceType") for pool in pools] if isinstance(pools, list) else []
    return list(dict.fromkeys(name for name in names if isinstance(name, str)))


def has_no_accelerators(instance_type: str) -> bool:
    """True for the families of CPU instances."""
    return _CPU_FAMILY.match(instance_type) is not None


def initial_instances(variant: Variant) -> int | None:
    """Instances that the endpoint starts with; None where that is not known."""
    return _whole(at(variant.properties, "InitialInstanceCount"))


def is_scaled(variant: Variant) -> bool:
    """True where SageMaker itself adds instances for copies that have no room."""
    scaling = at(variant.properties, "ManagedInstanceScaling")
    return scaling is not None and text_of(at(scaling, "Status")) != "DISABLED"


def most_instances(variant: Variant) -> int | None:
    """Instances that copies can be placed on; None where that is not known."""
    if not is_scaled(variant):
        return initial_instances(variant)
    most = _whole(at(variant.properties, "ManagedInstanceScaling", "MaxInstanceCount"))
    return None if most is None else max(most, initial_instances(variant) or 0)


def _demand(component: Component, specification: Specification | None) -> Demand:
    copies = _whole(component.resource.get("RuntimeConfig", "CopyCount"))
    compute = specification.compute if specification else None
    if compute is None or isinstance(compute, Unknown):
        return Demand(component, copies, None, None, None)
    accelerators = at(compute, "NumberOfAcceleratorDevicesRequired")
    cpus = number_of(at(compute, "NumberOfCpuCoresRequired"))
    return Demand(
        component,
        copies,
        0 if accelerators is None else _whole(accelerators),
        Fraction(0) if cpus is None else cpus if isinstance(cpus, Fraction) and cpus > 0 else None,
        _whole(at(compute, "MinMemoryRequiredInMb")),
    )


def _whole(value: Value) -> int | None:
    """A whole number from 1 up; None for everything else, which other rules report."""
    number = number_of(value)
    return int(number) if isinstance(number, Fraction) and number.denominator == 1 and number >= 1 else None
