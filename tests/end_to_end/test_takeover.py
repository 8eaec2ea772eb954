"""An endpoint made by hand is taken over with the real CDK CLI: imported as it is, then deployed, then changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas.template.load import deployed as deployed_template
from tests.adopt.by_hand import article_by_hand, role_by_hand
from tests.end_to_end.conftest import Account, Synthesise

pytestmark = pytest.mark.end_to_end


def entry(copies: int, **more: str) -> str:
    """The entry that `replicas adopt` writes, with alarms."""
    return (
        f"Deployment(name='llama', instance_type='ml.p4d.24xlarge', region='us-west-2', account='123456789012', "
        f"endpoint_name='llama', security=Security(execution_role='arn:aws:iam::123456789012:role/serving'), "
        f"monitoring=Monitoring(alarms=Alarms()), components=[Component("
        f"model='NousResearch/Llama-2-13b-chat-hf', engine='tgi-1.1.0', copies={copies}, tensor_parallel=1, cpus=10, "
        f"memory_mib=102400, max_input_tokens=2048, max_total_tokens=4096, max_batch_prefill_tokens=4096, "
        f"startup_timeout_seconds=300, environment={ {'MAX_BATCH_TOTAL_TOKENS': '16384'}!r})])"
    )


def live(account: Account) -> dict[str, Any]:
    """What serves: the endpoint and its component, with the times of their creation."""
    sagemaker = account.client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName="llama")
    component = sagemaker.describe_inference_component(InferenceComponentName="llama-by-hand")
    return {
        "endpoint": (endpoint["EndpointArn"], endpoint["CreationTime"], endpoint["EndpointConfigName"]),
        "component": (component["InferenceComponentArn"], component["CreationTime"]),
        "model": component["Specification"]["ModelName"],
        "copies": component["RuntimeConfig"]["CurrentCopyCount"],
    }


def test_an_endpoint_made_by_hand_is_imported_deployed_and_changed(
    account: Account, synthesise: Synthesise, tmp_path: Path
) -> None:
    # Given an endpoint that no stack has
    role = role_by_hand(account.client("iam"))
    article_by_hand(account.client("sagemaker"), role)
    before = live(account)

    # when it is adopted, then the entry is proven, and nothing in the account changes
    folder = tmp_path / "import"
    adopted = account.replicas("adopt", "llama", "--output", str(folder))
    assert adopted.code == 0, adopted.output
    assert live(account) == before
    assert "all copies placed" in adopted.output
    assert "Differences between the template of the entry and the live resources:\n  none" in adopted.output

    # An import from the app itself names the role of the bootstrap, which no import into a new stack takes.
    app = synthesise(entry(8))
    refused = account.cdk("import", "llama", "--resource-mapping", str(folder / "mapping.json"), app=app)
    assert refused.code == 1
    assert "As part of the import operation, you cannot modify or add [RoleArn]" in refused.output

    # when it is imported, then the stack holds the imported resources alone, with the role that is live
    imported = account.cdk("import", "llama", "--resource-mapping", str(folder / "mapping.json"), app=folder)
    assert imported.code == 0, imported.output
    cloudformation = account.client("cloudformation")
    (stack,) = cloudformation.describe_stacks(StackName="llama")["Stacks"]
    assert stack["StackStatus"] == "IMPORT_COMPLETE"
    template = deployed_template(cloudformation.get_template(StackName="llama")["TemplateBody"])
    assert set(template) == {"Resources"}
    kinds = sorted(resource["Type"].rpartition("::")[2] for resource in template["Resources"].values())
    assert kinds == ["Endpoint", "EndpointConfig", "InferenceComponent", "Model"]
    assert role in json.dumps(template)
    assert live(account) == before

    # and nothing drifts before the first update
    status = account.replicas("status", "llama", "--json")
    assert status.code == 0, status.output
    document = json.loads(status.output)
    assert (document["drift"], document["is_healthy"]) == ([], True)
    assert [component["name"] for component in document["components"]] == ["llama-by-hand"]

    # when the entry is deployed, then outputs and alarms come, and nothing is replaced
    deployed = account.deploy("llama", app=app)
    assert deployed.code == 0, deployed.output
    assert live(account) == before
    (stack,) = cloudformation.describe_stacks(StackName="llama")["Stacks"]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert (outputs["EndpointName"], outputs["InferenceComponentName"]) == ("llama", "llama-by-hand")
    assert account.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert account.replicas("status", "llama").code == 0

    # when the copies change, then in place
    assert account.deploy("llama", app=synthesise(entry(7))).code == 0
    assert live(account) == {**before, "copies": 7}

    # and it is destroyed like any other
    assert account.cdk("destroy", "llama", "--force", app=app).code == 0
    assert account.things() == {"roles": ["serving"]}
