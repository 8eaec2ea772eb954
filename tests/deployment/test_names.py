"""A name that is none is a sentence with the allowed form and a near name that works."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replicas import Adapter, Component, Deployment, Scaling, Schedule, Security, plan
from replicas.deployment.deployment import faults
from replicas.deployment.sentences import near_name
from replicas.errors import SizingError

NAMES = {
    "flan_t5": "flan-t5",
    "my llama": "my-llama",
    "3b-chat": "model-3b-chat",
    "a" * 70: "a" * 63,
    "Llama-é": "Llama-e",
    "-x-": "x",
    "a\n": "a",
    "a\x1b[31m": "a-31m",
    "": None,
    "日本": None,
}
SCHEDULED = Scaling(schedules=[Schedule(name="8_am", at="rate(1 hour)", min_copies=1)])


def deployment(*, component: dict[str, Any] | None = None, **endpoint: Any) -> Deployment:
    components = [Component(**{"model": "Qwen/Qwen3-8B", **(component or {})})]
    return Deployment(**{"name": "x", "instance_type": "ml.g6e.12xlarge", "components": components, **endpoint})


@pytest.mark.parametrize(("name", "near"), NAMES.items(), ids=map(repr, NAMES))
def test_a_name_that_no_stack_has_is_refused_with_one_that_works(name: str, near: str | None) -> None:
    with pytest.raises(SizingError) as caught:
        plan(deployment(name=name))

    (problem,) = caught.value.problems
    assert problem.startswith(
        f"name={name!r}: give 1 to 63 letters (a to z, A to Z), digits and inner hyphens, starting with a letter"
    )
    assert problem.endswith(f": {near!r}, for example" if near else "starting with a letter")
    assert near is None or plan(deployment(name=near)).name == near


@pytest.mark.parametrize("name", [None, 5, True, ["x"], 10**5000], ids=["None", "5", "True", "list", "10**5000"])
def test_what_is_no_text_is_no_name(name: Any) -> None:
    with pytest.raises(SizingError, match=r"name=.*: it is not a text: give one in quotes"):
        plan(deployment(name=name))


@settings(deadline=None, max_examples=200)
@given(st.text(max_size=200))
def test_a_near_name_is_always_allowed(text: str) -> None:
    near = near_name(text)

    assert near is None or not faults(deployment(name=near))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (deployment(endpoint_name="flan_t5"), "endpoint_name='flan_t5': give 1 to 63 letters"),
        (deployment(component={"name": "flan_t5"}), "components.0.name='flan_t5': give 1 to 63 letters"),
        (
            deployment(component={"adapters": [Adapter(name="my_ad", weights="s3://b/p/", rank=8)]}),
            "components.0.adapters.0.name='my_ad': give 1 to 63 letters",
        ),
        (
            deployment(component={"scaling": SCHEDULED}),
            "components.0.scaling.schedules.0.name='8_am': give 1 to 63 letters",
        ),
        (deployment(security=Security(tags={"a;b": "c"})), "security.tags key='a;b': give 1 to 256 letters"),
        (deployment(security=Security(tags={"": "c"})), "security.tags key='': give 1 to 256 letters"),
        (deployment(security=Security(tags={"a": "c" * 257})), "security.tags['a']='ccc"),
    ],
)
def test_other_names_are_refused_in_the_same_words(wrong: Deployment, sentence: str) -> None:
    (fault,) = faults(wrong)

    assert fault.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("key", "end"),
    [
        ("A-B", "cannot begin with a digit: write 'A_B', for example"),
        ("1A", "cannot begin with a digit: write 'A', for example"),
        ("", "cannot begin with a digit"),
        ("K" * 1025, "names and values may have at most 1024 characters"),
    ],
)
def test_a_key_of_the_environment_is_refused_in_one_sentence(key: str, end: str) -> None:
    with pytest.raises(SizingError) as caught:
        plan(deployment(component={"environment": {key: "x"}}))

    (problem,) = caught.value.problems
    assert problem.startswith(f"environment[{key[:40]!r}]: ")
    assert problem.endswith(end)


def test_all_faults_of_a_deployment_with_a_wrong_name_are_told_at_once() -> None:
    with pytest.raises(SizingError) as caught:
        plan(deployment(name="my_llama", instances=0, component={"copies": 10**400, "engine": "tgl"}))

    assert [problem.partition("=")[0].split(" ")[0] for problem in caught.value.problems] == [
        "name",
        "components.0.copies",
        "instances",
        "engine",
    ]
