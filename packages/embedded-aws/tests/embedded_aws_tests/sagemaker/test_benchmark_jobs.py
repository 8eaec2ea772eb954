"""SageMaker's benchmark jobs alone: every answer is held against botocore's model by the fixture."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

from embedded_aws.service import ServiceError
from embedded_aws_tests.sagemaker.conftest import ROLE, Account
from replicas.engines import find_image

PARAMETERS = {
    "concurrency": 20,
    "benchmark_duration": 60,
    "prompt_input_tokens_mean": 1000,
    "output_tokens_mean": 50,
}


def inline(**parameters: Any) -> dict[str, Any]:
    document = {"benchmark": {"type": "aiperf"}, "parameters": {**PARAMETERS, **parameters}}
    return {"WorkloadSpec": {"Inline": json.dumps(document)}}


def started(account: Account, name: str = "job") -> None:
    account("CreateAIWorkloadConfig", AIWorkloadConfigName="load", AIWorkloadConfigs=inline())
    account(
        "CreateAIBenchmarkJob",
        AIBenchmarkJobName=name,
        BenchmarkTarget={"Endpoint": {"Identifier": "endpoint", "InferenceComponents": [{"Identifier": "component"}]}},
        OutputConfig={"S3OutputLocation": "s3://bucket/prefix/"},
        AIWorkloadConfigIdentifier="load",
        RoleArn=ROLE,
        Tags=[{"Key": "for", "Value": "a test"}],
    )


def serving(account: Account) -> None:
    account.endpoint()
    known = find_image("tgi", "1.1.0")
    assert known is not None
    account.create(copies=2, image=f"123456789012.dkr.ecr.us-west-2.amazonaws.com/{known.repository}:{known.tag}")
    account.wait(1000)
    assert account.counts() == ("InService", 2, 2)


def status(account: Account, name: str = "job") -> str:
    told: str = account("DescribeAIBenchmarkJob", AIBenchmarkJobName=name)["AIBenchmarkJobStatus"]
    return told


def test_a_job_runs_for_its_duration_and_completes(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    serving(account)
    written: list[dict[str, Any]] = []
    monkeypatch.setattr(account.service, "_write", lambda job: written.append(job.result))
    started(account)
    assert status(account) == "InProgress"
    account.clock.at += 100
    assert status(account) == "InProgress"
    restored = pickle.loads(pickle.dumps(account.service.state()))  # noqa: S301 (our own)
    account.service.restore(restored)
    account.clock.at += 100
    told = account("DescribeAIBenchmarkJob", AIBenchmarkJobName="job")
    assert told["AIBenchmarkJobStatus"] == "Completed"
    assert (told["EndTime"] - told["CreationTime"]).total_seconds() == 180
    assert told["Tags"] == [{"Key": "for", "Value": "a test"}]
    (result,) = written
    assert 3 < result["request_throughput"]["avg"] < 8, "two copies of what makes 3.4 requests a second each"
    assert result["request_latency"]["p50"] > result["time_to_first_token"]["p50"]
    (listed,) = account("ListAIBenchmarkJobs", StatusEquals="Completed")["AIBenchmarkJobs"]
    assert listed["AIWorkloadConfigName"] == "load"
    assert account("ListAIBenchmarkJobs", StatusEquals="Failed")["AIBenchmarkJobs"] == []
    account("DeleteAIBenchmarkJob", AIBenchmarkJobName="job")
    account("DeleteAIWorkloadConfig", AIWorkloadConfigName="load")
    assert account("ListAIWorkloadConfigs")["AIWorkloadConfigs"] == []


def test_an_endpoint_that_is_not_there_fails_the_job(account: Account) -> None:
    started(account)
    account.clock.at += 1000
    told = account("DescribeAIBenchmarkJob", AIBenchmarkJobName="job")
    assert told["AIBenchmarkJobStatus"] == "Failed"
    assert "Endpoint endpoint" in told["FailureReason"]


def test_a_job_can_be_stopped_and_only_then_deleted(account: Account) -> None:
    started(account)
    with pytest.raises(ServiceError, match="stop it first"):
        account("DeleteAIBenchmarkJob", AIBenchmarkJobName="job")
    with pytest.raises(ServiceError, match="used by active jobs: job"):
        account("DeleteAIWorkloadConfig", AIWorkloadConfigName="load")
    account("StopAIBenchmarkJob", AIBenchmarkJobName="job")
    assert status(account) == "Stopped"
    account("DeleteAIBenchmarkJob", AIBenchmarkJobName="job")
    account("DeleteAIWorkloadConfig", AIWorkloadConfigName="load")


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("{", "neither JSON nor YAML"),
        ("[]", "needs benchmark.type: aiperf"),
        ('{"benchmark": {"type": "other"}}', "needs benchmark.type: aiperf"),
        (inline(public_dataset="sharegpt")["WorkloadSpec"]["Inline"], "does not support public_dataset"),
        (inline(request_count=100)["WorkloadSpec"]["Inline"], "request_count makes a burst: set concurrency"),
        (inline(request_rate=2)["WorkloadSpec"]["Inline"], "request_rate excludes concurrency"),
        (inline(concurrency=None)["WorkloadSpec"]["Inline"], "concurrency or request_rate is missing"),
        (inline(concurrency="many")["WorkloadSpec"]["Inline"], "concurrency is not a number"),
        (inline(prompt_input_tokens_stddev=-4)["WorkloadSpec"]["Inline"], "input_stddev=-4: 0 to"),
    ],
)
def test_a_workload_that_cannot_be_followed_is_refused(account: Account, spec: str, words: str) -> None:
    told = account.refusal(
        "CreateAIWorkloadConfig", AIWorkloadConfigName="load", AIWorkloadConfigs={"WorkloadSpec": {"Inline": spec}}
    )
    assert words in told


def test_names_are_unique_and_unknown_ones_are_not_found(account: Account) -> None:
    started(account)
    with pytest.raises(ServiceError, match="exists already"):
        account("CreateAIWorkloadConfig", AIWorkloadConfigName="load", AIWorkloadConfigs=inline())
    told = account("DescribeAIWorkloadConfig", AIWorkloadConfigName="load")
    assert json.loads(told["AIWorkloadConfigs"]["WorkloadSpec"]["Inline"])["parameters"] == PARAMETERS
    for operation, member in (
        ("DescribeAIBenchmarkJob", "AIBenchmarkJobName"),
        ("StopAIBenchmarkJob", "AIBenchmarkJobName"),
        ("DeleteAIBenchmarkJob", "AIBenchmarkJobName"),
        ("DescribeAIWorkloadConfig", "AIWorkloadConfigName"),
        ("DeleteAIWorkloadConfig", "AIWorkloadConfigName"),
    ):
        with pytest.raises(ServiceError) as refused:
            account(operation, **{member: "nobody"})
        assert refused.value.code == "ResourceNotFound"


@pytest.mark.parametrize(
    ("parameters", "least", "most"),
    [
        ({"request_rate": 2, "benchmark_duration": 60, "output_tokens_stddev": 30}, 1.2, 2.8),
        ({"concurrency": 20, "request_count": 20}, 3, 8),
    ],
    ids=["rate", "burst"],
)
def test_a_job_follows_a_rate_and_a_burst(
    account: Account, monkeypatch: pytest.MonkeyPatch, parameters: dict[str, Any], least: float, most: float
) -> None:
    lengths = {"prompt_input_tokens_mean": 1000, "output_tokens_mean": 50}
    monkeypatch.setitem(globals(), "PARAMETERS", {**lengths, **parameters})
    serving(account)
    written: list[dict[str, Any]] = []
    monkeypatch.setattr(account.service, "_write", lambda job: written.append(job.result))
    started(account)
    account.clock.at += 1000
    assert status(account) == "Completed"
    assert least < written[0]["request_throughput"]["avg"] < most
    assert written[0]["output_token_throughput"]["avg"] > 0
