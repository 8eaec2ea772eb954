"""Snapshots of what each option changes in a template, value by value. `make snapshots` accepts a change."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.stacks.test_snapshots import without_noise
from tests.stacks.test_updates import DOCUMENTED
from tests.stacks.updates import CHANGES, Template, templates_of


@pytest.mark.parametrize("option", CHANGES)
def test_an_option_changes_these_values(option: str, context: dict[str, Any], snapshot: SnapshotAssertion) -> None:
    before, after = (without_noise(template) for template in templates_of(CHANGES[option], context))

    changed = dict(_differences(before, after))

    assert changed or DOCUMENTED[option] == "nothing"
    assert changed == snapshot


def test_the_production_example(production_assembly: Path, snapshot: SnapshotAssertion) -> None:
    template: Template = json.loads((production_assembly / "production.template.json").read_text())

    assert without_noise(template) == snapshot(extension_class=JSONSnapshotExtension)


def _differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each value that differs, by its path. What only one of the templates has appears whole."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            sides = {name: side[key] for name, side in (("before", before), ("after", after)) if key in side}
            if len(sides) == 2:
                yield from _differences(before[key], after[key], f"{path}/{key}")
            else:
                yield f"{path}/{key}", sides
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from _differences(*pair, f"{path}/{index}")
    else:
        yield path, {"before": before, "after": after}
