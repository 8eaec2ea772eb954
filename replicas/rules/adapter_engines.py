"""Rules about the engine of an adapter's base component: whether it serves adapters, and how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from replicas.endpoint.components import Component
from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, number_of
from replicas.engines import EngineKind, adapter_engines, adapter_slots_by_default, engine_of_image, find_engine
from replicas.rules.declaration import rule
from replicas.rules.finding import Case, Unjudged

_QUESTION = "whether its engine serves adapters"


@dataclass(frozen=True)
class _Served:
    """An adapter, a container of its base component, and the recognised engine of the container."""

    adapter: Subject
    base: Subject
    container: Container
    kind: EngineKind


@rule(
    "adapter-without-engine",
    checks="The engine of an adapter's base component does not support adapters, or its switch for adapters is off.",
    why="the engine refuses every request for the adapter, although the component is in service",
    source="documentation of the engines: LoRA adapters are served behind a switch that is off by default",
)
def adapter_without_engine(topology: Topology) -> Iterator[Case | Unjudged]:
    """The engine of a base component must support adapters, and its switch for adapters must be on."""
    for served in _bases(topology):
        if isinstance(served, Unjudged):
            yield served
            continue
        kind, container = served.kind, served.container
        numbers = {"base": served.base.name, "engine": kind.title}
        switch = next(iter(kind.variables.serves_adapters), None)
        if switch is None or not _has_slots(kind, container):
            yield Case(
                subject=served.adapter,
                kind="never",
                numbers={**numbers, "engines": " or ".join(adapter_engines())},
            )
            continue
        value = container.variable(switch)
        if isinstance(value, Unknown):
            yield Unjudged(subject=served.adapter, question=_QUESTION, unknown=value)
        elif value is None or value.lower() != "true":
            # A settings file next to the weights in S3 can also set the switch.
            certain = kind.settings_file is None or not container.has_local_weights
            yield Case(subject=served.adapter, numbers={**numbers, "switch": switch}, certain=certain)


@rule(
    "adapter-limits",
    severity="warning",
    checks="The engine's adapter limits have their default values, or are lower than the number of adapters (warning).",
    why="{why}",
    source="documentation of the engines: arguments about LoRA",
)
def adapter_limits(topology: Topology) -> Iterator[Case]:
    """The engine's variables must set the rank of its adapters, a slot for each adapter, and loading at run time."""
    recognised = [served for served in _bases(topology) if isinstance(served, _Served)]
    # A base component on instance pools has one container per instance type.
    together = Counter(base for base, _ in {(served.base, served.adapter) for served in recognised})
    for served in {served.base: served for served in recognised}.values():
        variables, container = served.kind.variables, served.container
        numbers = {"engine": served.kind.title, "adapters": together[served.base]}
        for variable in variables.adapter_rank:
            if container.variable(variable) is None:
                why = "an adapter of a larger rank than the engine's default is refused when it is loaded"
                yield Case(subject=served.base, kind="rank", numbers={**numbers, "variable": variable, "why": why})
        for variable in variables.loads_adapters:
            if container.variable(variable) is None:
                why = "without this variable a running engine refuses to load adapters"
                yield Case(subject=served.base, kind="loading", numbers={**numbers, "variable": variable, "why": why})
        for variable in variables.adapter_slots:
            value = container.variable(variable)
            slots = number_of(str(adapter_slots_by_default(served.kind)) if value is None else value)
            if not isinstance(slots, Unknown) and slots is not None and slots < together[served.base]:
                why = "requests for an adapter wait until the batch of other adapters has been processed"
                shown = {"variable": variable, "slots": int(slots), "why": why}
                yield Case(subject=served.base, kind="slots", numbers={**numbers, **shown})


def _bases(topology: Topology) -> Iterator[_Served | Unjudged]:
    for component in topology.components:
        base = topology.component(component.adapter.base) if component.adapter else None
        if base is None or base.adapter is not None:
            continue
        for container in _containers(base):
            kind = engine_of_image(container.repository and f"{container.repository}:{container.tag or ''}")
            if kind is None:
                why = Unknown(f"the engine of the image of {base.subject.name} is not known")
                yield Unjudged(subject=component.subject, question=_QUESTION, unknown=why)
            else:
                yield _Served(component.subject, base.subject, container, kind)


def _containers(base: Component) -> tuple[Container, ...]:
    return tuple(specification.container for specification in base.specifications)


def _has_slots(kind: EngineKind, container: Container) -> bool:
    """Return False if the engine version is known not to support adapters, else True."""
    version = kind.version_of(container.tag)
    if kind.versions is None or version is None:
        return True
    try:
        engine = find_engine(f"{kind.name}-{version}")
        return engine.adapter_slot_rank(1) is not None or not engine.plans_adapters
    except LookupError:
        return True
