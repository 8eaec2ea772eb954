"""Confidence class that a forecast of a component would have, without computing the forecast."""

from __future__ import annotations

from replicas.forecast.confidence import Trust, confidence
from replicas.forecast.copies import accelerator_of_copy, copy_engine
from replicas.forecast.requested_loads import loads_of
from replicas.forecast.simulation import DEFAULT_ROUTING
from replicas.load.options import DEFAULT_SECONDS
from replicas.planning.plans import ComponentPlan, EndpointPlan


def expected_class(plan: EndpointPlan, component: ComponentPlan) -> Trust | None:
    """Return the confidence class of the forecast that `replicas forecast` makes of a component by default.

    The load is the declared traffic or, without one, the load of the article. The result is None if the component
    cannot be forecast.
    """
    given = component.engine.profile
    try:
        accelerator = accelerator_of_copy(component, plan.instance)
    except LookupError:
        return None
    engine = copy_engine(component, plan.instance, accelerator=accelerator) if given.fitted else None
    return confidence(engine, given, component, plan.instance, loads_of(component), DEFAULT_ROUTING, DEFAULT_SECONDS)
