"""The picture of the dashboard is drawn from the dashboard, the same each time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from replicas import EndpointPlan
from scripts.draw_dashboard import PICTURE, body_of, day_of, digest_of, draw, planned_example, shown_series

LARGEST_BYTES = 200_000


@pytest.fixture(scope="module")
def planned() -> EndpointPlan:
    return planned_example()


def graphs(planned: EndpointPlan) -> list[dict[str, Any]]:
    return [widget["properties"] for widget in body_of(planned)["widgets"] if widget["type"] == "metric"]


def test_the_committed_picture_shows_the_dashboard_of_today(planned: EndpointPlan) -> None:
    with Image.open(PICTURE) as picture:
        assert picture.info["Description"] == digest_of(body_of(planned)), "`make docs` draws it anew"
    assert PICTURE.stat().st_size < LARGEST_BYTES


def test_the_same_definition_gives_the_same_picture(planned: EndpointPlan, tmp_path: Path) -> None:
    body = body_of(planned)
    for name in ("one.png", "two.png"):
        draw({**body, "widgets": body["widgets"][:4]}, planned, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_graph_shows_the_series_that_its_definition_shows(planned: EndpointPlan) -> None:
    days = {part.name: day_of(part) for part in planned.components}
    for properties in graphs(planned):
        labels = [entry[-1]["label"] for entry in properties["metrics"] if entry[-1].get("visible", True)]
        assert [label for label, _ in shown_series(properties["metrics"], days)] == labels


def test_quotients_are_worked_out_from_the_metrics_that_they_name(planned: EndpointPlan) -> None:
    """Of the example day: copies that answered are the copies there were, wherever somebody asked."""
    days = {part.name: day_of(part) for part in planned.components}
    (chat, *_) = (graph for graph in graphs(planned) if graph["title"] == "Copies that answered")
    ((_, copies),) = shown_series(chat["metrics"], days)
    assert copies == pytest.approx(days["chat"]["copies"])


@pytest.mark.parametrize(
    ("metrics", "fault"),
    [
        ([["AWS/SageMaker", "NoSuch", "InferenceComponentName", "chat", {"stat": "Sum", "label": "x"}]], KeyError),
        ([[{"expression": "FILL(m, 0)", "label": "x", "id": "e"}]], ValueError),
    ],
)
def test_what_cannot_be_drawn_is_refused_and_not_left_out(
    planned: EndpointPlan, metrics: list[Any], fault: type[Exception]
) -> None:
    with pytest.raises(fault):
        shown_series(metrics, {part.name: day_of(part) for part in planned.components})
