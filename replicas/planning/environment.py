"""Checks environment variables that a user sets for a container, in a deployment or in the props of a construct."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from replicas.deployment.unresolved import is_unresolved
from replicas.engines import (
    Engine,
    EngineKind,
    NotFollowed,
    effect_of,
    hub_token_variables,
    is_argument,
    read_settings,
)
from replicas.errors import looks_like_token
from replicas.planning.plans import ComponentPlan
from replicas.rules.practice.secrets import is_secret_name
from replicas.rules.variables import judged_variables

_USER_ENTRIES = 80
"""Maximum number of entries that a user sets. A SageMaker Model accepts at most 100; the plan sets some of them."""
_MODEL_ENTRIES = 100
_LONGEST_VALUE = 1024
_REFERENCE = "{{resolve:"


def environment_problems(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the faults of names and values that are invalid for every engine."""
    token_variables = hub_token_variables()
    for key, value in environment.items():
        given = f"environment[{key[:40]!r}]"
        is_known = not is_unresolved(value)
        if key in token_variables or looks_like_token(key) or looks_like_token(value):
            yield (
                f"environment[{key!r}] would put a token into the template: store it in a secret and set "
                "token_secret= to its name"
            )
        elif is_secret_name(key) and is_known and not value.startswith(_REFERENCE):
            yield (
                f"environment[{key!r}] would put a secret into the template, where it can be read: "
                "write '{{resolve:secretsmanager:NAME}}' instead"
            )
        if len(key) > _LONGEST_VALUE or (is_known and len(value) > _LONGEST_VALUE):
            yield f"{given}: names and values may have at most {_LONGEST_VALUE} characters"
        elif not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", key):
            near = re.sub(r"[^a-zA-Z0-9_]+", "_", key[:40]).lstrip("0123456789")
            example = f": write {near!r}, for example" if near.strip("_") else ""
            yield f"{given}: a name may contain letters, digits and underscores and cannot begin with a digit{example}"
    if len(environment) > _USER_ENTRIES:
        yield f"environment has {len(environment)} entries: keep at most {_USER_ENTRIES}"


def contradictions_of(environment: Mapping[str, str], decided: Mapping[str, str], kind: EngineKind) -> Iterator[str]:
    """Yield a problem for each variable that contradicts the plan or that an option sets."""
    for key, value in environment.items():
        if decided.get(key, value) != value:
            yield f"environment[{key!r}]={value!r} contradicts the plan, which sets {decided[key]!r}: leave it out"
        elif key not in decided and (option := kind.variables.option_of(key)):
            yield f"environment[{key!r}]={value!r}: an option sets this variable: use {option}= instead"


def added_problems(component: ComponentPlan, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield the reasons why variables cannot be added to a component that was sized without them.

    A value may be a CDK token, unless the memory or the start of a copy depends on the variable.
    """
    kind, refused = component.engine.kind, component.engine.refused_variables()
    yield from environment_problems(environment)
    contradictions = list(contradictions_of(environment, component.environment, kind))
    yield from contradictions
    yield from undecided_problems(environment, component.engine)
    for key, value in environment.items():
        if key in component.environment or kind.variables.option_of(key):
            continue
        if key in refused:
            yield f"environment[{key!r}]: {refused[key]}"
        elif effect_of(kind, key) != "none":
            literal = " to a literal" if is_unresolved(value) else ""
            yield (
                f"environment[{key!r}]={value!r} may change the memory of a copy, which was sized without it: set it"
                f"{literal} in environment= of the Component"
            )
    settings = read_settings(
        kind, {**component.environment, **environment}, has_local_weights=False, version=component.engine.version
    )
    start = [entry for entry in settings.not_followed if effect_of(kind, entry.name) == "none"]
    yield from start_problems(environment, component.engine, start)
    entries = len({**component.environment, **environment})
    if entries > _MODEL_ENTRIES:
        yield f"environment and plan set {entries} variables: keep at most {_MODEL_ENTRIES}"


def undecided_problems(environment: Mapping[str, str], engine: Engine) -> Iterator[str]:
    """Yield a problem for each variable that decides whether a copy starts but has a CDK token as its value."""
    judged = judged_variables(engine.kind, engine.image.tag if engine.image else None)
    for key, value in environment.items():
        if is_unresolved(value) and (key in judged or is_undecided(key, value, engine)):
            why = "decides whether a copy starts, but a CDK token hides the value"
            yield f"environment[{key!r}]={value!r} {why}: use a literal"


def is_undecided(name: str, value: str, engine: Engine) -> bool:
    """Return whether the value is a CDK token of a variable whose value the engine's parser checks."""
    is_checked = is_argument(engine.kind, name) and effect_of(engine.kind, name) == "none"
    return is_checked and is_unresolved(value)


def start_problems(environment: Mapping[str, str], engine: Engine, entries: Iterable[NotFollowed]) -> Iterator[str]:
    """Yield a problem for each variable that stops the engine at its start, may stop it, or may change the memory."""
    for entry in entries:
        if entry.name in environment and not is_undecided(entry.name, entry.value, engine):
            given = f"environment[{entry.name!r}]={entry.value!r}"
            yield f"{given} {_effect(entry, engine)}: {entry.why}: leave it out"


def _effect(entry: NotFollowed, engine: Engine) -> str:
    if entry.is_refused:
        return f"stops {engine} at start"
    return f"may stop {engine} at start" if entry.is_open else "may change the memory of a copy"


def literals_of(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables whose values are known at synth."""
    return {key: value for key, value in environment.items() if not is_unresolved(value)}
