"""Every deployment of the project, as it would run, becomes an entry whose template differs from it in nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from replicas import Deployment, Security, plan
from replicas.adopt.entry import entry_of
from replicas.adopt.records import LiveComponent, LiveEndpoint
from replicas.adopt.takeover import takeover_of
from replicas.deployment.file import read_entries
from replicas.endpoint.values import Reference
from replicas.template.evaluation import Resolver
from tests.adopt.live import ARN, ROLE, checked
from tests.conftest import ROOT
from tests.synthesis import template_of_plan

ENTRIES = [entry for entry in read_entries(ROOT / "deployments.py") if isinstance(entry, Deployment)]


def running(template: dict[str, Any], name: str) -> LiveEndpoint:
    """What runs after a deploy of a template, as the Describe operations answer."""
    resolver = Resolver(template, region="us-west-2", parameters={})
    made: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for logical_id, resource in template["Resources"].items():
        properties = named(resolver.resolve(resource["Properties"]))
        made.setdefault(resource["Type"].rpartition("::")[2], []).append((logical_id, properties))
    models = {
        key: checked("DescribeModel", {**properties, "ModelName": key, "ModelArn": f"{ARN}model/{key}"})
        for key, properties in made["Model"]
    }
    ((configuration_id, configuration),) = made["EndpointConfig"]
    components = []
    for key, properties in made["InferenceComponent"]:
        copies = properties.pop("RuntimeConfig")["CopyCount"]
        described = {
            **properties,
            "EndpointName": name,
            "InferenceComponentName": key,
            "InferenceComponentArn": f"{ARN}inference-component/{key}",
            "InferenceComponentStatus": "InService",
            "RuntimeConfig": {"DesiredCopyCount": copies, "CurrentCopyCount": copies},
        }
        model = properties["Specification"]["ModelName"]
        components.append(
            LiveComponent(
                name=key,
                described=checked("DescribeInferenceComponent", described),
                models={model: models[model]},
                tags={},
            )
        )
    arns = [f"{ARN}endpoint/{name}", f"{ARN}endpoint-config/{configuration_id}"]
    return LiveEndpoint(
        name=name,
        region="us-west-2",
        described={
            "EndpointName": name,
            "EndpointArn": arns[0],
            "EndpointConfigName": configuration_id,
            "EndpointStatus": "InService",
        },
        configuration=checked(
            "DescribeEndpointConfig",
            {**configuration, "EndpointConfigName": configuration_id, "EndpointConfigArn": arns[1]},
        ),
        components=tuple(components),
        adapters=(),
        left_out=(),
        tags={arn: {} for arn in [*arns, *(model["ModelArn"] for model in models.values())]},
        stack=None,
    )


def named(value: Any) -> Any:
    """Evaluated properties with logical ids as the names of resources."""
    if isinstance(value, Reference):
        return value.logical_id
    if isinstance(value, dict):
        return {key: named(item) for key, item in value.items()}
    return [named(item) for item in value] if isinstance(value, list) else value


@pytest.mark.slow
@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_a_deployment_that_runs_is_reproduced_by_its_entry(entry: Deployment, context: dict[str, Any]) -> None:
    paths = {**context, "aws:cdk:enable-path-metadata": True}
    deployed = replace(
        entry,
        region="us-west-2",
        account="123456789012",
        endpoint_name=entry.name,
        security=Security(execution_role=ROLE),
    )
    live = running(template_of_plan(plan(deployed), paths), entry.name)

    written = entry_of(live, entry.name, models={}, token_secret=None)
    takeover = takeover_of(template_of_plan(plan(written.deployment), paths), live, written)

    assert takeover.differences == ()
    assert (takeover.serving, takeover.effects) == ((), ())
    assert written.unexpressed == ()
