"""`replicas verify` on the embedded AWS: the job as botocore models it, what it tells, and what it leaves."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from math import inf
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws.server import EmbeddedAws
from replicas import plan
from replicas.aws.session import Aws
from replicas.benchmark import jobs
from replicas.benchmark.candidates import compare
from replicas.benchmark.verification import Verification
from replicas.deployment.file import find_deployment
from replicas.forecast import forecast
from replicas.load import Load
from tests.commands import TGI, VLLM, Run

Outputs = dict[str, dict[str, str]]
BUCKET = "judged"


@pytest.fixture(autouse=True)
def quick_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


@pytest.fixture
def role(embedded: EmbeddedAws, endpoints: Outputs) -> Iterator[str]:
    boto3.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": boto3.session.Session().region_name}
    )
    sagemaker = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [sagemaker]}
    arn = boto3.client("iam").create_role(RoleName="judge", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    yield arn
    boto3.client("iam").delete_role(RoleName="judge")
    s3 = boto3.resource("s3").Bucket(BUCKET)
    s3.objects.delete()
    s3.delete()


def asked(role: str, *more: str) -> tuple[str, ...]:
    return ("verify", VLLM, "--role", role, "--output", f"s3://{BUCKET}/results/", "--duration", "30", *more)


def leftovers() -> tuple[list[str], list[str]]:
    sagemaker = boto3.client("sagemaker")
    return (
        [job["AIBenchmarkJobName"] for job in sagemaker.list_ai_benchmark_jobs()["AIBenchmarkJobs"]],
        [each["AIWorkloadConfigName"] for each in sagemaker.list_ai_workload_configs()["AIWorkloadConfigs"]],
    )


def test_a_job_judges_beside_the_forecast_and_leaves_only_its_results(run: Run, role: str) -> None:
    told = run(*asked(role, "--users", "5,20", "--json"))
    assert told.code == 0, told.said
    document = told.json
    assert [point["users"] for point in document["points"]] == [5, 20]
    for point in document["points"]:
        assert point["requests"] == round(30 * point["requests_per_second"])
        # The embedded AWS's job runs the forecast's own model: they agree but for the plan's own rounding.
        assert all(abs(error) < 0.02 for error in point["errors"].values()), point
        assert point["latency_p50_seconds"] > point["ttft_p50_seconds"] > 0
        bucket, key = point["result"].removeprefix("s3://").split("/", 1)
        summary = json.loads(boto3.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        assert summary["request_throughput"]["avg"] == point["requests_per_second"]
        assert summary["input_config"]["concurrency"] == point["users"]
    assert document["confidence"] == "order-of-magnitude"
    assert leftovers() == ([], [])


def test_people_see_a_table_and_where_the_results_lie(run: Run, role: str) -> None:
    told = run(*asked(role, "--users", "5"))
    assert "forecast" in told.out
    assert f"5 users: s3://{BUCKET}/results/" in told.out
    assert "Completed" in told.err


def test_kept_jobs_are_listed_and_cleaned(run: Run, role: str) -> None:
    run(*asked(role, "--users", "2", "--keep"))
    (job,) = run("verify", VLLM, "--list", "--json").json["jobs"]
    assert job["status"] == "Completed"
    assert job["job"].startswith(f"{VLLM}-verify-2-")
    assert job["job"] in run("verify", VLLM, "--list").out
    assert run("verify", VLLM, "--clean", "--json").json["deleted"] == [job["job"]]
    assert leftovers() == ([], [])
    assert "nothing, because there was no job" in run("verify", VLLM, "--clean").out


def test_a_job_that_runs_is_stopped_before_it_is_deleted(run: Run, role: str, endpoints: Outputs) -> None:
    order = jobs.Order(
        load=Load(users=3, input_tokens=100, output_tokens=10),
        duration_seconds=1e7,
        model=None,
        output=f"s3://{BUCKET}/",
        role_arn=role,
    )
    sagemaker = boto3.client("sagemaker")
    name = jobs.job_name(VLLM, order.load)
    sagemaker.create_ai_workload_config(
        AIWorkloadConfigName=name, AIWorkloadConfigs={"WorkloadSpec": {"Inline": json.dumps(order.workload())}}
    )
    sagemaker.create_ai_benchmark_job(
        AIBenchmarkJobName=name,
        BenchmarkTarget={"Endpoint": {"Identifier": "not-there"}},
        OutputConfig={"S3OutputLocation": order.output},
        AIWorkloadConfigIdentifier=name,
        RoleArn=role,
    )
    for refused in (
        lambda: sagemaker.delete_ai_benchmark_job(AIBenchmarkJobName=name),
        lambda: sagemaker.delete_ai_workload_config(AIWorkloadConfigName=name),
    ):
        with pytest.raises(ClientError) as refusal:
            refused()
        assert refusal.value.response["Error"]["Code"] == "ResourceInUse"
    assert run("verify", VLLM, "--clean").code == 0
    assert leftovers() == ([], [])


def test_a_job_that_fails_says_why_and_leaves_nothing(run: Run, role: str) -> None:
    told = run("verify", VLLM, "--role", role, "--output", "s3://nobody-has-this/x/", "--users", "2")
    assert told.code == 1
    assert "ended as Failed: the results cannot be written to s3://nobody-has-this/x/" in told.said
    assert leftovers() == ([], [])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([VLLM], 2, "a job needs --output s3://bucket/prefix/ and --role ARN"),
        ([VLLM, "--list", "--clean"], 2, "one of the two"),
        (["--list"], 2, "give either the NAME of a deployment"),
        (
            [VLLM, "--output", "here", "--role", "mine"],
            1,
            "--output 'here' is not an S3 prefix: give s3://bucket/prefix/; --role 'mine' is not the ARN of a role: "
            "give the ARN",
        ),
        ([VLLM, "--output", "s3://bucket/", "--role", "arn:aws:iam::123456789012:role/nobody"], 1, "the role exists"),
        (
            [TGI, "--output", "s3://bucket/", "--role", "arn:aws:iam::123456789012:role/x"],
            1,
            "sends OpenAI chat requests",
        ),
    ],
)
def test_wrong_input_is_one_message(run: Run, endpoints: Outputs, arguments: list[str], code: int, words: str) -> None:
    told = run("verify", *arguments)
    assert told.code == code
    assert words in told.said
    assert leftovers() == ([], [])


def archived(summary: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        body = json.dumps(summary).encode()
        member = tarfile.TarInfo("artifacts/profile_export_aiperf.json")
        member.size = len(body)
        archive.addfile(member, io.BytesIO(body))
    return content.getvalue()


def test_results_are_found_in_an_archive_and_in_aiperfs_older_layout(role: str) -> None:
    summary = {
        "records": {
            "request_throughput": {"unit": "requests/sec", "avg": 2.5},
            "request_count": {"avg": 75},
            "request_latency": {"unit": "ms", "p50": 1500.0, "p90": 1800.0},
        }
    }
    boto3.client("s3").put_object(Bucket=BUCKET, Key="results/job-1/output.tar.gz", Body=archived(summary))
    order = jobs.Order(
        load=Load(users=4, input_tokens=1, output_tokens=1), duration_seconds=30, model=None, output="", role_arn=role
    )
    found = jobs._judgement(order, "job-1", *jobs._summary(Aws(), f"s3://{BUCKET}/results/", "job-1"))
    assert (found.requests_per_second, found.requests, found.latency_p50_seconds) == (2.5, 75, 1.5)
    assert found.ttft_p50_seconds is None


@pytest.mark.usefixtures("endpoints")
def test_the_forecasts_of_the_deployments_decide_what_is_measured() -> None:
    """The prices are those of `replicas forecast`, and the bands those of its measured errors."""
    load = Load(users=20, input_tokens=1000, output_tokens=50)
    bands = {}
    for name in (TGI, VLLM):
        planned = plan(find_deployment(name))
        of_name = forecast(
            planned, planned.components[0], [load], duration_seconds=30, routing="LEAST_OUTSTANDING_REQUESTS"
        )
        figure = of_name.measured_error.figures["requests_per_second"] if of_name.measured_error else None
        # A class that too few runs stand behind has no band: such a price is told apart from nothing.
        error = None if figure is None or figure.confidence == "unmeasured" else figure.median
        usd = of_name.points[0].usd_per_million_output_tokens
        assert usd is not None
        bands[name] = (usd, 0.0, inf) if error is None else (usd, usd * (1 - error), usd * (1 + error))
    overlap = max(low for _, low, _ in bands.values()) <= min(high for _, _, high in bands.values())
    measured: list[str] = []

    def measure(name: str) -> Verification:
        measured.append(name)
        return Verification((), None, "nothing")

    compared = compare(
        (TGI, VLLM), loads=[load], region=None, duration_seconds=30, profile=None, measure=measure
    ).to_document()

    prices = {each["deployment"]: each["usd_per_million_output_tokens"] for each in compared["candidates"]}
    assert prices == pytest.approx({name: usd for name, (usd, _, _) in bands.items()})
    assert sorted(measured) == (sorted(bands) if overlap else [])
