"""Shared names are spelled in one place."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from replicas import names
from replicas.units import usd_per_million_tokens

ROOT = Path(__file__).parents[1]
# Keys of outputs and dimensions are left out: "EndpointName" is also a member of many API calls.
_GROUPS = (names.ResourceType, names.MetricNamespace, names.MetricName, names.CopyTarget, names.LogGroup)
_ALSO_MEAN_SOMETHING_ELSE = {"Invocations", "sagemaker"}  # a construct id, and a service of boto3


def _shared() -> dict[str, str]:
    return {
        value: f"{group.__name__}.{name}"
        for group in _GROUPS
        for name, value in vars(group).items()
        if name.isupper() and value not in _ALSO_MEAN_SOMETHING_ELSE
    }


def _literals(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_no_source_file_spells_a_shared_name_again() -> None:
    shared = _shared()
    folders = ("replicas", "constructs", "stacks", "packages/embedded-aws/embedded_aws")
    sources = [path for folder in folders for path in (ROOT / folder).rglob("*.py") if path.name != "names.py"]
    repeated = [
        f"{path.relative_to(ROOT)}: {literal!r} is {shared[literal]}"
        for path in sources
        for literal in _literals(path)
        if literal in shared
    ]
    assert len(shared) > 20
    assert not repeated


def test_a_log_group_and_a_scalable_target_carry_the_components_name() -> None:
    assert names.LogGroup.of_component("chat") == "/aws/sagemaker/InferenceComponents/chat"
    assert names.LogGroup.of_endpoint("chat") == "/aws/sagemaker/Endpoints/chat"
    assert names.CopyTarget.resource_id("chat") == "inference-component/chat"


def test_ten_dollars_an_hour_at_a_thousand_tokens_a_second_are_2_78_dollars_a_million() -> None:
    assert round(usd_per_million_tokens(10, 1000) or 0, 2) == 2.78


def test_a_price_without_tokens_or_tokens_without_a_price_give_no_price_of_a_million() -> None:
    assert usd_per_million_tokens(10, 0) is None
    assert usd_per_million_tokens(10, None) is None
    assert usd_per_million_tokens(None, 1000) is None
