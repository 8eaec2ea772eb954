"""Valid templates that operators break: some of this repository's own, and some written by hand."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

from tests.rules.base import role

Template = dict[str, Any]
TESTS = Path(__file__).parents[2]
SNAPSHOTS = TESTS / "stacks" / "__snapshots__" / "test_snapshots"
OWN = ("llama-2-7b", "llama-3-1-8b-g5", "mistral-7b", "qwen3-8b")
BY_HAND = ("scaled", "text-names", "from-hub", "two-components")
VALID = (*OWN, *BY_HAND)
"""Names of the templates. Each has no problem, and is deployed and deleted on the embedded AWS as it is."""


def hand_written() -> Template:
    """An endpoint with a component, both scaling policies and an alarm, written by hand."""
    template: Template = json.loads(_hand_written())
    return template


def valid_templates() -> dict[str, Template]:
    """Return fresh copies of all valid templates by name."""
    return {name: valid_template(name) for name in VALID}


def valid_template(name: str) -> Template:
    """Return a fresh copy of a valid template. Reading its text is ten times faster than copying it."""
    template: Template = json.loads(_valid()[name])
    return template


@cache
def _hand_written() -> str:
    template: Template = json.loads((TESTS / "cases" / "templates" / "ref_endpoint.json").read_text())
    resources = template["Resources"]
    resources["Role"] = role()
    resources["Component"]["Properties"]["EndpointName"] = {"Fn::GetAtt": ["Endpoint", "EndpointName"]}
    resources["Model"]["Properties"]["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]["S3Uri"] = "s3://bucket/m/"
    return json.dumps(template)


@cache
def _valid() -> dict[str, str]:
    """The text of each template."""
    own = {name: _with_accounts(_snapshot(name)) for name in OWN}
    by_hand = (hand_written(), _with_text_names(), _from_hub(), _with_two_components())
    templates = {**own, **dict(zip(BY_HAND, by_hand, strict=True))}
    return {name: json.dumps(template) for name, template in templates.items()}


def _snapshot(name: str) -> Template:
    template: Template = json.loads((SNAPSHOTS / f"test_template[{name}].json").read_text())
    return template


def _with_accounts(value: Any) -> Any:
    """The account of a registry in place of its look-up: snapshots leave mappings out."""
    if isinstance(value, dict):
        if "Fn::FindInMap" in value:
            return "763104351884"
        return {key: _with_accounts(entry) for key, entry in value.items()}
    return [_with_accounts(entry) for entry in value] if isinstance(value, list) else value


def _with_text_names() -> Template:
    """Names by text on both sides; `DependsOn` alone says what waits."""
    template = hand_written()
    resources = template["Resources"]
    resources["Endpoint"]["Properties"]["EndpointName"] = "chat"
    resources["Component"]["Properties"]["EndpointName"] = "chat"
    return template


def _from_hub() -> Template:
    """Weights from the Hub, on a fixed instance, without scaling."""
    template = hand_written()
    resources = template["Resources"]
    for logical_id in ("Target", "Track", "Wake", "Alarm"):
        del resources[logical_id]
    resources["Config"]["Properties"]["ProductionVariants"] = [
        {
            "VariantName": "AllTraffic",
            "InstanceType": "ml.g5.2xlarge",
            "InitialInstanceCount": 1,
            "InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1",
        }
    ]
    resources["Model"]["Properties"]["PrimaryContainer"] = {
        "Image": "763104351884.dkr.ecr.us-west-2.amazonaws.com/vllm:0.30.0-gpu-py312-cu130-ubuntu24.04-sagemaker",
        "Environment": {
            "SM_VLLM_MODEL": "Qwen/Qwen3-8B",
            "SM_VLLM_MAX_MODEL_LEN": "4096",
        },
    }
    _claims(template, "Component", accelerators=1)
    return template


def _with_two_components() -> Template:
    """Two components share the accelerators of one instance."""
    template = hand_written()
    resources = template["Resources"]
    _claims(template, "Component", accelerators=2)
    resources["Model"]["Properties"]["PrimaryContainer"]["Environment"]["OPTION_TENSOR_PARALLEL_DEGREE"] = "2"
    second = copy.deepcopy(resources["Component"])
    second["Properties"]["InferenceComponentName"] = "second-component"
    resources["Second"] = second
    return template


def _claims(template: Template, logical_id: str, *, accelerators: int) -> None:
    specification = template["Resources"][logical_id]["Properties"]["Specification"]
    specification["ComputeResourceRequirements"]["NumberOfAcceleratorDevicesRequired"] = accelerators
