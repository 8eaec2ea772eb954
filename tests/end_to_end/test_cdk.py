"""The whole life of a deployment with the real CDK CLI: deploy, diff, change, fail, destroy, and nothing is left."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.end_to_end.conftest import Account, Synthesise

pytestmark = pytest.mark.end_to_end

NOTHING: dict[str, list[str]] = {}


def llama(copies: int, **environment: str) -> str:
    return (
        f"Deployment(name='llama-2-13b', instance_type='ml.p4d.24xlarge', components=[Component("
        f"model='NousResearch/Llama-2-13b-chat-hf', engine='tgi-1.1.0', copies={copies}, tensor_parallel=1, cpus=10, "
        f"memory_mib=102400, max_input_tokens=2048, max_total_tokens=4096, min_kv_cache_tokens=16384, "
        f"startup_timeout_seconds=300, environment={ {'MAX_BATCH_TOTAL_TOKENS': '16384', **environment}!r})])"
    )


def component_of(account: Account) -> dict[str, Any]:
    (entry,) = account.client("sagemaker").list_inference_components()["InferenceComponents"]
    described: dict[str, Any] = account.client("sagemaker").describe_inference_component(
        InferenceComponentName=entry["InferenceComponentName"]
    )
    return described


def endpoint_of(account: Account) -> dict[str, Any]:
    (entry,) = account.client("sagemaker").list_endpoints()["Endpoints"]
    described: dict[str, Any] = account.client("sagemaker").describe_endpoint(EndpointName=entry["EndpointName"])
    return described


def test_the_life_of_a_deployment(account: Account, synthesise: Synthesise) -> None:
    # Given a deployment of the article's row, by the app as it is
    deployed = account.deploy("llama-2-13b")
    assert deployed.code == 0, deployed.output
    before, endpoint = component_of(account), endpoint_of(account)
    assert before["InferenceComponentStatus"] == endpoint["EndpointStatus"] == "InService"
    assert before["RuntimeConfig"] == {"DesiredCopyCount": 8, "CurrentCopyCount": 8}

    # then a diff right after it is clean
    base = synthesise(llama(8))
    clean = account.cdk("diff", "llama-2-13b", app=base).output
    assert "There were no differences" in clean, clean

    # when the copies change, then in place: the same component, the same model, the same endpoint
    fewer = synthesise(llama(7))
    difference = account.cdk("diff", "llama-2-13b", "--fail", app=fewer)
    assert difference.code == 1
    assert "CopyCount" in difference.output
    assert "requires replacement" not in difference.output
    assert "may be replaced" not in difference.output
    assert account.deploy("llama-2-13b", app=fewer).code == 0
    after = component_of(account)
    assert after["RuntimeConfig"] == {"DesiredCopyCount": 7, "CurrentCopyCount": 7}
    assert after["Specification"]["ModelName"] == before["Specification"]["ModelName"]
    assert after["InferenceComponentArn"] == before["InferenceComponentArn"]
    assert after["CreationTime"] == before["CreationTime"]
    assert endpoint_of(account)["CreationTime"] == endpoint["CreationTime"]

    # when the environment changes, then there is a new model, the component is the same, the old model is gone
    changed = synthesise(llama(7, MAX_CONCURRENT_REQUESTS="64"))
    rolled = account.deploy("llama-2-13b", app=changed)
    assert rolled.code == 0, rolled.output
    rerun = component_of(account)
    assert rerun["InferenceComponentArn"] == before["InferenceComponentArn"]
    assert rerun["CreationTime"] == before["CreationTime"]
    assert rerun["RuntimeConfig"]["CurrentCopyCount"] == 7
    assert rerun["Specification"]["ModelName"] != before["Specification"]["ModelName"]
    assert account.things()["models"] == [rerun["Specification"]["ModelName"]]
    assert endpoint_of(account)["EndpointConfigName"] == endpoint["EndpointConfigName"]

    # when an update cannot be served, then it rolls back: what served before serves
    account.fault("copy-never-starts", rerun["InferenceComponentName"])
    broken = synthesise(llama(7, MAX_CONCURRENT_REQUESTS="32"))
    failed = account.deploy("llama-2-13b", app=broken)
    account.no_faults()
    assert failed.code == 1
    assert "did not pass the ping health check" in failed.output
    (stack,) = account.client("cloudformation").describe_stacks(StackName="llama-2-13b")["Stacks"]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    kept = component_of(account)
    assert kept["Specification"]["ModelName"] == rerun["Specification"]["ModelName"]
    assert kept["RuntimeConfig"]["CurrentCopyCount"] == 7
    assert account.things()["models"] == [rerun["Specification"]["ModelName"]]

    # when it is destroyed, then nothing is left
    destroyed = account.cdk("destroy", "llama-2-13b", "--force", app=base)
    assert destroyed.code == 0, destroyed.output
    assert account.things() == NOTHING


def test_a_deployment_that_fails_rolls_back_and_can_be_deleted(account: Account, synthesise: Synthesise) -> None:
    app = synthesise(llama(8))
    account.fault("copy-never-starts")
    failed = account.deploy("llama-2-13b", app=app)
    account.no_faults()
    assert failed.code == 1
    assert "did not pass the ping health check" in failed.output
    (stack,) = account.client("cloudformation").describe_stacks(StackName="llama-2-13b")["Stacks"]
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert account.cdk("destroy", "llama-2-13b", "--force", app=app).code == 0
    assert account.things() == NOTHING


def test_every_row_deploys_and_is_destroyed_without_a_trace(account: Account, assembly: Path) -> None:
    _with_secrets(account)
    deployed = account.deploy("--all", "--concurrency", "10", app=assembly)
    assert deployed.code == 0, deployed.output[-3000:]
    stacks = account.client("cloudformation").describe_stacks()["Stacks"]
    rows = {stack["StackName"] for stack in stacks} - {"CDKToolkit"}
    assert len(rows) == len(list(assembly.glob("*.template.json")))
    assert {stack["StackStatus"] for stack in stacks if stack["StackName"] in rows} == {"CREATE_COMPLETE"}
    for entry in account.client("sagemaker").list_inference_components(MaxResults=100)["InferenceComponents"]:
        assert entry["InferenceComponentStatus"] == "InService"
    assert account.cdk("destroy", "--all", "--force", "--concurrency", "10", app=assembly).code == 0
    assert account.things() == NOTHING


def _with_secrets(account: Account) -> None:
    """The secrets that rows of gated models name."""
    from replicas.deployment.file import load_catalogue

    for deployment in load_catalogue(ROOT / "deployments.py"):
        for name in {component.token_secret for component in deployment.components} - {None}:
            account.client("secretsmanager").create_secret(Name=name, SecretString="not a token")
