"""What the components of a variant ask of its instances."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from replicas.catalogue.instances import Instance, instance_types
from replicas.endpoint.components import Claims, Component, Specification
from replicas.endpoint.identity import whole
from replicas.endpoint.packing import Resources
from replicas.endpoint.variants import Instances, Variant

_CPU_FAMILY = re.compile(r"ml\.[cmrt]\d")
"""Families without accelerators; the table of instances does not hold them."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What one component asks for. None for what is not known or not valid."""

    component: Component
    copies: int | None
    accelerators: int | None
    """Of one copy, as are CPUs and memory."""
    cpus: Fraction | None
    memory_mib: int | None

    @property
    def is_known(self) -> bool:
        """True where nothing is missing to place it."""
        is_complete = None not in (self.copies, self.accelerators, self.cpus, self.memory_mib)
        return is_complete and self.component.exists is None

    @property
    def least_copies(self) -> int:
        """Copies that exist in any case: SageMaker creates no component with 0."""
        if self.component.exists is not None:
            return 0
        return 1 if self.copies is None else self.copies

    @property
    def least_need(self) -> Resources:
        """What a copy needs in any case."""
        return Resources(self.accelerators or 0, self.cpus or Fraction(0), self.memory_mib or 0)


def demands_of(variant: Variant, instance_type: str | None = None) -> tuple[Demand, ...]:
    """What the components of a variant ask for, on its own or on another instance type."""
    name = instance_type or variant.instances.type_name
    return tuple(
        demand_of(component, component.specification_for(name) if name else component.only_specification)
        for component in variant.components
    )


def demand_of(component: Component, specification: Specification | None) -> Demand:
    """What a component asks for, with the claims of one specification."""
    claims = specification.claims if specification else None
    known = claims if isinstance(claims, Claims) else None
    cpus = known.cpus if known else None
    return Demand(
        component=component,
        copies=whole(component.copies),
        accelerators=_accelerators(known),
        cpus=Fraction(0) if known and cpus is None else cpus if isinstance(cpus, Fraction) and cpus > 0 else None,
        memory_mib=whole(known.memory_mib) if known else None,
    )


def _accelerators(claims: Claims | None) -> int | None:
    if claims is None:
        return None
    return 0 if claims.accelerators is None else whole(claims.accelerators)


def instance_of(instances: Instances) -> Instance | None:
    """The one instance type of a variant, where it is known and in the table."""
    return instance_types().get(instances.type_name or "")


def types_of(instances: Instances) -> list[Instance]:
    """The instance types that copies may be placed on, as far as the table has them."""
    names = instances.pools if instances.type_name is None else (instances.type_name,)
    return [instance_types()[name] for name in names if name in instance_types()]


def has_no_accelerators(instance_type: str) -> bool:
    """True for the families of CPU instances."""
    return _CPU_FAMILY.match(instance_type) is not None
