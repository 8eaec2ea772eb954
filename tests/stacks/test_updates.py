"""The update matrix: what each property that a user can change does to an endpoint that serves."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

import pytest

from replicas import Component, Deployment, sizing
from replicas.review.effects import effects as review_effects
from replicas.template.changes import SERVING, Fate, serving_changes
from tests.stacks.updates import CHANGES, NOT_SHOWN, PAGE, Template, create_only, in_words, templates_of

CLASSES = [
    *(Component, Deployment, sizing.Scaling, sizing.Schedule, sizing.InstanceScaling, sizing.Rollout, sizing.Placement),
    *(sizing.Adapter, sizing.PrefixAwareRouting, sizing.Vpc, sizing.Security, sizing.Alarms, sizing.Monitoring),
    *(sizing.Traffic, sizing.DataCapture),
]
ANOTHER = {
    "Component.name",
    "Component.adapters",
    "Component.rollout",
    "Deployment.components",
    "Deployment.endpoint_name",
    "Deployment.variant_name",
    "Monitoring.log_retention_days",
    "Rollout.roll_back",
    "Adapter.name",
}
"""The only changes that end, or add, a component. docs/updates.md says why of each."""
DOCUMENTED = dict(re.findall(r"^\| `([\w.]+)` \| (.+?) \|$", PAGE.read_text(), re.MULTILINE))


def test_every_property_that_a_user_writes_is_in_the_matrix() -> None:
    written = {f"{kind.__name__}.{known.name}" for kind in CLASSES for known in fields(kind)}

    assert written == CHANGES.keys() | NOT_SHOWN.keys() == DOCUMENTED.keys()


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_does_what_the_matrix_says_and_ends_nothing_that_serves_unless_it_is_named(
    name: str, context: dict[str, Any]
) -> None:
    templates = templates_of(CHANGES[name], context)
    effect = in_words(*templates)

    assert effect == DOCUMENTED[name], "`make docs` rebuilds docs/updates.md"
    assert bool(re.search("another|one more", effect)) == (name in ANOTHER)
    assert reviewed(*templates) == {part.partition(":")[0] for part in effect.split("; ")} - {"nothing", "tags"}


def reviewed(before: Template, after: Template) -> set[str]:
    """The kinds of effects that a review of the two templates names."""
    serving = serving_changes(before, after)
    gone = [change for change in serving if change.fate in (Fate.REPLACED, Fate.MOVED)]
    another = {f"another {SERVING[change.type].split()[-1]}" for change in gone}
    return another | {str(effect.kind) for effect in review_effects(before, after)}


def test_model_and_configuration_are_replaced_by_everything_but_their_tags() -> None:
    assert "PrimaryContainer" in create_only("Model")
    assert "ProductionVariants" in create_only("EndpointConfig")
    assert create_only("Endpoint") == ("EndpointName",)
    assert create_only("InferenceComponent") == ()
