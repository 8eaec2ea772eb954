"""What a review says of the image of a component: a row where both sides print it."""

from __future__ import annotations

from typing import Any

from replicas import Component, Deployment, plan
from replicas.planning.document import plan_document
from replicas.review.facts import facts


def printed(**wishes: Any) -> dict[str, Any]:
    component = Component(model="llama-3.1-8b", engine="vllm-0.29.0", **wishes)
    planned = plan(Deployment(name="chat", instance_type="ml.g6e.12xlarge", components=[component]), to_deploy=False)
    return dict(plan_document(planned))


def images(before: dict[str, Any], after: dict[str, Any]) -> list[tuple[str | None, str | None, bool]]:
    rows = [fact for fact in facts(before, after) if fact.what == "image"]
    return [(fact.before, fact.after, fact.differs) for fact in rows]


def test_another_publisher_of_the_same_version_is_a_change() -> None:
    ((before, after, differs),) = images(printed(), printed(image_source="aws"))
    assert differs
    assert (before or "").startswith("huggingface-vllm:0.29.0-")
    assert after == "vllm:0.29.0-gpu-py312-cu130-ubuntu24.04-sagemaker"


def test_a_plan_that_was_printed_before_it_had_an_image_does_not_count_as_a_change() -> None:
    early = printed()
    early["components"] = [{key: value for key, value in early["components"][0].items() if key != "image"}]
    ((before, _, differs),) = images(early, printed())
    assert (before, differs) == (None, False)
