"""Copies, accelerators, CPUs and memory that the components of a variant request from its instances."""

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
"""Instance families without accelerators; the table of instances does not contain them."""


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Copies and resources that one component requests. A value is None if it is unknown or invalid."""

    component: Component
    copies: int | None
    accelerators: int | None
    """Accelerators of one copy. CPUs and memory are also per copy."""
    cpus: Fraction | None
    memory_mib: int | None

    @property
    def is_known(self) -> bool:
        """True if all values that a placement of the component needs are known."""
        is_complete = None not in (self.copies, self.accelerators, self.cpus, self.memory_mib)
        return is_complete and self.component.exists is None

    @property
    def least_copies(self) -> int:
        """The minimum number of copies; 0 if it is unknown whether the component exists.

        The minimum is 1 if the number of copies is unknown, because SageMaker creates no component with 0 copies.
        """
        if self.component.exists is not None:
            return 0
        return 1 if self.copies is None else self.copies

    @property
    def least_need(self) -> Resources:
        """The minimum resources of a copy; unknown resources count as 0."""
        return Resources(self.accelerators or 0, self.cpus or Fraction(0), self.memory_mib or 0)


def demands_of(variant: Variant, instance_type: str | None = None) -> tuple[Demand, ...]:
    """Return the demands of a variant's components, on the variant's instance type or on `instance_type`."""
    name = instance_type or variant.instances.type_name
    return tuple(
        demand_of(component, component.specification_for(name) if name else component.only_specification)
        for component in variant.components
    )


def demand_of(component: Component, specification: Specification | None) -> Demand:
    """Return the demand of a component with the resource requirements of one specification."""
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
    """Return the single instance type of a variant; None if the type is unknown or not in the table."""
    return instance_types().get(instances.type_name or "")


def types_of(instances: Instances) -> list[Instance]:
    """Return the instance types on which copies can be placed. Types that are not in the table are left out."""
    return [instance_types()[name] for name in instances.type_names if name in instance_types()]


def has_no_accelerators(instance_type: str) -> bool:
    """True if the instance type belongs to a CPU family."""
    return _CPU_FAMILY.match(instance_type) is not None
