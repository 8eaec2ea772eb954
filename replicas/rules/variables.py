"""Rules about environment variables that prevent the start of an engine or that the engine does not read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from functools import cache, lru_cache
from itertools import islice
from typing import Any

from replicas.endpoint.containers import Container
from replicas.endpoint.identity import Subject
from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown, number_of
from replicas.engines import EngineKind, engine_kinds, engine_of_image
from replicas.engines.containers import LOCAL_WEIGHTS, VariableOrder
from replicas.engines.environment import effect_of, is_argument, read_settings
from replicas.rules.declaration import rule
from replicas.rules.environments import MOST_VARIABLES
from replicas.rules.finding import Case, Unjudged
from replicas.rules.places import places_of
from replicas.rules.weights import hub_repository

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TRUE = ("1", "on", "yes", "true")
"""Values that huggingface_hub 2.4 reads as true (constants.py, `ENV_VARS_TRUE_VALUES`)."""
_REPOSITORY = re.compile(r"(?:\w[\w.-]*/)?\w[\w.-]{0,95}", re.ASCII)
_NEAR = 0.9
"""Minimum similarity (difflib, 0 to 1) between a misspelt and the correct name."""
_PREFIX_CHARACTERS = 10
"""Minimum length of an abbreviated name, such as MAX_INPUT_LEN for MAX_INPUT_LENGTH."""


@rule(
    "weights-offline",
    checks="A container downloads weights from the Hub, but a variable forbids calls to the Hub (warning for unknown "
    "images).",
    why="the container does not call the Hub and has no cached weights, so no copy starts",
    source="huggingface_hub documentation, environment variables, HF_HUB_OFFLINE",
)
def weights_offline(topology: Topology) -> Iterator[Case | Unjudged]:
    """A container that downloads weights from the Hub must be allowed to call the Hub.

    An unknown switch is yielded as not judged.
    """
    for subject, container in _containers(topology):
        source = None if container.has_local_weights else hub_repository(container)
        for name in _OFFLINE if source else ():
            value = container.variable(name)
            if isinstance(value, Unknown):
                yield Unjudged(subject=subject, question=f"whether {name} allows calls to the Hub", unknown=value)
            if source and isinstance(value, str) and value.lower() in _TRUE:
                numbers = {"switch": name, "value": value, "variable": source[0], "repository": source[1]}
                yield Case(subject=subject, numbers=numbers, certain=_published(container) is not None)


@rule(
    "weights-missing",
    checks="A published image loads weights by an invalid repository name, or from an empty folder (warning).",
    why="{why}",
    source="the start-up scripts of the images; huggingface_hub documentation, names of repositories",
)
def weights_missing(topology: Topology) -> Iterator[Case]:
    """A published image must load weights that exist: from a repository of the Hub, or from S3."""
    for subject, container, kind in _published_containers(topology):
        if container.unknown is not None:
            continue
        names = [name for name in kind.variables.model if container.environment.get(name, "") != ""]
        value = container.variable(names[0]) if names else None
        if not isinstance(value, str) or container.has_local_weights:
            continue  # containers without a model are reported as not judged
        numbers = {"variable": names[0], "value": value, "local": LOCAL_WEIGHTS}
        if value.rstrip("/") == LOCAL_WEIGHTS:
            why = f"without model data SageMaker leaves {LOCAL_WEIGHTS} empty, so no copy starts"
            yield Case(subject=subject, kind="no data", numbers={**numbers, "why": why}, certain=False)
        elif not value.startswith(("/", ".", "s3://")) and not _REPOSITORY.fullmatch(value):
            why = "the Hub's client refuses a name that is not NAMESPACE/NAME, so no copy starts"
            yield Case(subject=subject, kind="no repository", numbers={**numbers, "why": why})


@rule(
    "variables-in-order",
    checks="Two limits of an engine contradict each other, so it does not start (warning for unknown images).",
    why="the engine exits at start: '{words}' ({seen_in})",
    source="the engine's folder in replicas/engines",
)
def variables_in_order(topology: Topology) -> Iterator[Case]:
    """A variable must not set a limit of an engine below another limit that must not exceed it."""
    for subject, container in _containers(topology):
        kind = engine_of_image(container.repository)
        for order in kind.orders if kind else ():
            given = _out_of_order(container, order)
            if given:
                numbers = {**given, "words": order.words, "seen_in": order.source}
                yield Case(subject=subject, numbers=numbers, certain=_published(container) is not None)


@rule(
    "variable-not-parsed",
    checks="The engine of a published image does not start with the value of a variable.",
    why="the engine's argument parser refuses the value, and the engine exits at start",
    source="the argument parsers of the engines: argparse, pydantic, clap; torch.cuda.set_per_process_memory_fraction",
)
def variable_not_parsed(topology: Topology) -> Iterator[Case | Unjudged]:
    """A variable of an engine must have a value that its argument parser accepts.

    A value that the parser may refuse, and an unknown value of an argument that it checks, are yielded as not judged.
    """
    for subject, container, kind in _published_containers(topology):
        version = kind.version_of(container.tag)
        settings = read_settings(
            kind, _texts(container), has_local_weights=container.has_local_weights, version=version
        )
        for variable in settings.not_followed:
            if variable.is_refused:
                numbers = {"variable": variable.name, "value": variable.value, "reason": variable.why}
                yield Case(subject=subject, numbers=numbers)
            elif variable.is_open:
                question = f"whether the engine starts with {variable.name}={variable.value}"
                yield Unjudged(subject=subject, question=question, unknown=Unknown(variable.why))
        for name, value in container.environment.items():
            # `copy-without-memory` yields an unknown variable with an effect on memory.
            if isinstance(value, Unknown) and is_argument(kind, name) and effect_of(kind, name) == "none":
                yield Unjudged(subject=subject, question=f"whether the engine starts with {name}", unknown=value)


@rule(
    "server-not-reached",
    checks="A variable of a published image sets a server address at which SageMaker does not reach the server.",
    why="the health checks of every copy fail",
    source="SageMaker developer guide, custom inference code with hosting services: the container listens on port 8080 "
    "and answers GET /ping",
)
def server_not_reached(topology: Topology) -> Iterator[Case | Unjudged]:
    """The server of an image must listen where SageMaker sends pings and requests.

    An unknown value is yielded as not judged.
    """
    for subject, container, kind in _published_containers(topology):
        for entry in _reached(kind):
            if entry["name"] not in container.environment:
                continue
            value = container.variable(entry["name"])
            if isinstance(value, Unknown):
                question = f"whether SageMaker reaches the server at the address that the variable {entry['name']} sets"
                yield Unjudged(subject=subject, question=question, unknown=value)
            elif value is not None and value.lower() not in (*entry["values"], *kind.facts("variables")["dropped"]):
                numbers = {"variable": entry["name"], "value": value, "reason": entry["why"]}
                yield Case(subject=subject, numbers=numbers)


def _reached(kind: EngineKind) -> Sequence[Mapping[str, Any]]:
    """Return the variables that set the address of the engine's server, with the values that SageMaker can reach."""
    entries: Sequence[Mapping[str, Any]] = kind.facts("variables").get("reached", ())
    return entries


@rule(
    "variable-not-read",
    severity="warning",
    checks="A published image does not read a variable whose name is similar to one that it reads (warning).",
    why="the container starts as if the variable were not set",
    source="the tables of variables in replicas/engines",
)
def variable_not_read(topology: Topology) -> Iterator[Case]:
    """A variable must have the name that the engine of the image reads."""
    for subject, container, kind in _published_containers(topology):
        known = _known(kind)
        later = kind.later_names(container.tag)
        for name in islice(container.environment, MOST_VARIABLES):
            if name in later:
                numbers = {"variable": name, "engine": f"this version of {kind.title}", "near": later[name]}
                yield Case(subject=subject, numbers=numbers)
            elif name not in known:
                yield from _not_read(subject, name, kind, known)


def judged_variables(kind: EngineKind, tag: str | None) -> frozenset[str]:
    """Return the variables whose values these rules compare, except variables that affect the memory of a copy."""
    orders = [name for order in kind.orders for name in (order.lesser, order.greater)]
    conflicts = [name for conflict in kind.conflicts_of(tag) for name in conflict.names]
    cache = [kind.host_cache.switch, kind.host_cache.share_variable] if kind.host_cache else []
    reached = [entry["name"] for entry in _reached(kind)] if kind.versions else []
    return frozenset([*_OFFLINE, *orders, *conflicts, *cache, *reached, *kind.variables.parallel_factors])


def _containers(topology: Topology) -> Iterator[tuple[Subject, Container]]:
    """Yield each container once, even if it is used on several instance types."""
    seen: list[tuple[Subject, Container]] = []
    for place in places_of(topology):
        entry = (place.subject, place.container)
        if entry not in seen:
            seen.append(entry)
            yield entry


def _published_containers(topology: Topology) -> Iterator[tuple[Subject, Container, EngineKind]]:
    """Yield each container with a published image once, with its engine."""
    for subject, container in _containers(topology):
        kind = _published(container)
        if kind is not None:
            yield subject, container, kind


def _published(container: Container) -> EngineKind | None:
    """Return the engine of a published image; None for other images, whose variables are unknown."""
    kind = engine_of_image(container.repository)
    if kind is None or kind.versions is None or kind.published_images is None:
        return None
    return kind if kind.published_images.fullmatch(container.repository or "") else None


def _texts(container: Container) -> dict[str, str]:
    return {name: value for name, value in container.environment.items() if isinstance(value, str)}


def _out_of_order(container: Container, order: VariableOrder) -> dict[str, str] | None:
    lesser, greater = container.variable(order.lesser), container.variable(order.greater)
    below, above = number_of(lesser), number_of(greater)
    if not isinstance(below, Fraction) or not isinstance(above, Fraction) or below <= above:
        return None
    return {"lesser": order.lesser, "less": str(lesser), "greater": order.greater, "more": str(greater)}


@cache
def _known(kind: EngineKind) -> frozenset[str]:
    """Return the names in the engine's table and other names with a known purpose."""
    table = kind.facts("variables")
    return frozenset(
        [*_purposes(kind), *table["followed"], *table["no_effect"], *(entry["name"] for entry in table["not_followed"])]
    )


def _purposes(kind: EngineKind) -> Iterator[str]:
    for field in fields(kind.variables):
        value = getattr(kind.variables, field.name)
        yield from value if isinstance(value, tuple) else ()


def _not_read(subject: Subject, name: str, kind: EngineKind, known: frozenset[str]) -> Iterator[Case]:
    numbers = {"variable": name, "engine": kind.title}
    near = _near(name, kind, known)
    if near:
        yield Case(subject=subject, numbers={**numbers, "near": near})
        return
    others = [other for other in engine_kinds().values() if other is not kind and name in set(_purposes(other))]
    reported_elsewhere = [*others[0].variables.hub_token, *others[0].variables.tensor_parallel] if others else []
    if others and name not in reported_elsewhere:
        option = others[0].variables.option_of(name)
        own = kind.variables.of_option(option) if option else ()
        fix = f"use {own[0]}" if own else f"leave {name} out"
        yield Case(subject=subject, kind="other engine", numbers={**numbers, "other": others[0].title, "fix": fix})


def _near(name: str, kind: EngineKind, known: frozenset[str]) -> str | None:
    """Return the engine's variable that differs from a name only in case, a prefix, or one or two letters."""
    table = kind.facts("variables")
    upper = name.upper()
    forms = [upper, *(f"{prefix}{upper}" for prefix in table["prefixes"])]
    exact = next((form for form in forms if form in known and (form == upper or form in table["followed"])), None)
    if exact:
        return exact
    return _alike(upper, known)


@lru_cache(maxsize=1024)
def _alike(upper: str, known: frozenset[str]) -> str | None:
    """Return the known variable that is most similar to a name. Names that differ in a number are not similar."""
    candidates = [other for other in known if _without_digits(other) != _without_digits(upper)]
    longer = [other for other in candidates if len(upper) >= _PREFIX_CHARACTERS and other.startswith(upper)]
    if len(longer) == 1:
        return longer[0]
    return next(iter(difflib.get_close_matches(upper, candidates, n=1, cutoff=_NEAR)), None)


@lru_cache(maxsize=4096)
def _without_digits(name: str) -> str:
    return re.sub(r"\d", "", name)
