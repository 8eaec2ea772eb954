"""Runs SageMaker's AI benchmark jobs (AIPerf) against a deployment.

`judge` creates a job, waits until it has ended, reads its summary from S3, and deletes the job. Job names begin with
the deployment's name, so that the jobs of an interrupted run can be found again.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from replicas.aws.session import Aws, error_code
from replicas.aws.waiting import NotYet, Pauses, until_ready
from replicas.errors import OperationError
from replicas.load import Load
from replicas.load.aiperf import parameters_of
from replicas.load.arrivals import duration_problems

if TYPE_CHECKING:
    from types_boto3_sagemaker import SageMakerClient
    from types_boto3_sagemaker.type_defs import AIBenchmarkJobSummaryTypeDef, DescribeAIBenchmarkJobResponseTypeDef

RESULT_FILE = "profile_export_aiperf.json"
_ARCHIVE = ".tar.gz"
_LONGEST_NAME = 63
_MARK = "-verify-"
_ENDED = ("Completed", "Failed", "Stopped")
_BEYOND_SECONDS = 3600.0
"""Time in addition to the load's duration, for starting the job's instance and generating prompts."""
_MISSING = "ResourceNotFound"


@dataclass(frozen=True, kw_only=True)
class Order:
    """Parameters of one benchmark job."""

    load: Load
    duration_seconds: float
    model: str | None
    """Hub repository of the tokenizer; None if SageMaker chooses it."""
    output: str
    """`s3://bucket/prefix/` for the results."""
    role_arn: str
    """ARN of the role that SageMaker assumes to invoke the endpoint and to write to S3."""
    token_secret_arn: str | None = None
    """ARN of a secret with a Hugging Face token, for the tokenizer of a gated repository."""

    def problems(self) -> list[str]:
        """Return a message for each invalid parameter."""
        faults = []
        if not self.output.startswith("s3://") or len(self.output.removeprefix("s3://").strip("/")) < 3:
            faults.append(f"--output {self.output!r} is not an S3 prefix: give s3://bucket/prefix/")
        if ":role/" not in self.role_arn:
            faults.append(
                f"--role {self.role_arn!r} is not the ARN of a role: give the ARN of a role that SageMaker can assume"
            )
        problems = [*self.load.problems(), *duration_problems(self.load, self.duration_seconds)]
        if not problems:
            try:
                parameters_of(self.load, self.duration_seconds)
            except ValueError as fault:
                problems = [str(fault)]
        return [*faults, *problems]

    def workload(self) -> dict[str, Any]:
        """Return the workload specification of AIPerf."""
        parameters: dict[str, Any] = {
            **parameters_of(self.load, self.duration_seconds),
            "extra_inputs": "ignore_eos:true",
            "streaming": True,
        }
        if self.model:
            parameters["tokenizer"] = self.model
        document: dict[str, Any] = {
            "benchmark": {"type": "aiperf"},
            "parameters": parameters,
            "tooling": {"api_standard": "openai"},
        }
        if self.token_secret_arn:
            document["secrets"] = {"hf_token": self.token_secret_arn}
        return document


@dataclass(frozen=True, kw_only=True)
class JobMetrics:
    """The metrics of one job. AIPerf's milliseconds are converted to seconds."""

    users: int | None
    requests_per_second_offered: float | None
    burst: int | None
    job: str
    result: str
    """S3 URL of the job's summary."""
    requests: int
    requests_per_second: float
    latency_p50_seconds: float | None
    latency_p90_seconds: float | None
    ttft_p50_seconds: float | None
    output_tokens_per_second: float | None

    @property
    def load(self) -> str:
        """Description of the load."""
        return Load(
            users=self.users, requests_per_second=self.requests_per_second_offered, burst=self.burst
        ).description


def judge(
    aws: Aws,
    deployment: str,
    endpoint: str,
    component: str,
    order: Order,
    *,
    tell: Callable[[str], None],
    keep: bool = False,
    poll_seconds: float = 15.0,
) -> JobMetrics:
    """Run one job and return its metrics. Unless `keep` is set, the job is deleted; its results stay in S3.

    Raises:
        OperationError: the job failed, was stopped, timed out, or left no summary in S3.

    """
    sagemaker = aws.client("sagemaker")
    name = job_name(deployment, order.load)
    sagemaker.create_ai_workload_config(
        AIWorkloadConfigName=name, AIWorkloadConfigs={"WorkloadSpec": {"Inline": json.dumps(order.workload())}}
    )
    try:
        sagemaker.create_ai_benchmark_job(
            AIBenchmarkJobName=name,
            BenchmarkTarget={
                "Endpoint": {"Identifier": endpoint, "InferenceComponents": [{"Identifier": component}]},
            },
            OutputConfig={"S3OutputLocation": order.output},
            AIWorkloadConfigIdentifier=name,
            RoleArn=order.role_arn,
        )
        tell(f"job {name}: {order.load.description} for {order.duration_seconds:g} s")
        described = _ended(sagemaker, name, order.duration_seconds + _BEYOND_SECONDS, poll_seconds, tell)
        if described["AIBenchmarkJobStatus"] != "Completed":
            reason = described.get("FailureReason", "SageMaker gives no reason")
            raise OperationError(f"the job {name} ended as {described['AIBenchmarkJobStatus']}: {reason}")
        return _judgement(order, name, *_summary(aws, described["OutputConfig"]["S3OutputLocation"], name))
    finally:
        if not keep:
            clean_up(aws, name, tell=tell, poll_seconds=poll_seconds)


def job_name(deployment: str, load: Load) -> str:
    """Return the name of a job and of its workload configuration, with the prefix that `jobs` searches for."""
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    size = f"{load.users or load.burst or load.requests_per_second:g}".replace(".", "-").replace("+", "")
    return f"{_prefix(deployment)}{size}-{moment}"


def _prefix(deployment: str) -> str:
    return f"{deployment[: _LONGEST_NAME - len(_MARK) - 24].rstrip('-')}{_MARK}"


def jobs(aws: Aws, deployment: str) -> list[AIBenchmarkJobSummaryTypeDef]:
    """Return all benchmark jobs of a deployment, newest first."""
    pages = aws.client("sagemaker").get_paginator("list_ai_benchmark_jobs")
    prefix = _prefix(deployment)
    listed = [job for page in pages.paginate(NameContains=prefix) for job in page["AIBenchmarkJobs"]]
    ours = [job for job in listed if job["AIBenchmarkJobName"].startswith(prefix)]
    return sorted(ours, key=lambda job: job["CreationTime"], reverse=True)


def left_behind(aws: Aws, deployment: str) -> list[str]:
    """Return the names of the existing jobs and workload configurations of a deployment."""
    prefix = _prefix(deployment)
    names = {job["AIBenchmarkJobName"] for job in jobs(aws, deployment)}
    pages = aws.client("sagemaker").get_paginator("list_ai_workload_configs").paginate(NameContains=prefix)
    names |= {entry["AIWorkloadConfigName"] for page in pages for entry in page["AIWorkloadConfigs"]}
    return sorted(name for name in names if name.startswith(prefix))


def clean_up(aws: Aws, name: str, *, tell: Callable[[str], None], poll_seconds: float = 15.0) -> None:
    """Stop a job if it runs, and delete it with its workload configuration. Missing resources are ignored."""
    sagemaker = aws.client("sagemaker")
    with _Missing():
        if sagemaker.describe_ai_benchmark_job(AIBenchmarkJobName=name)["AIBenchmarkJobStatus"] not in _ENDED:
            sagemaker.stop_ai_benchmark_job(AIBenchmarkJobName=name)
            _ended(sagemaker, name, _BEYOND_SECONDS, poll_seconds, tell)
        sagemaker.delete_ai_benchmark_job(AIBenchmarkJobName=name)
    with _Missing():
        sagemaker.delete_ai_workload_config(AIWorkloadConfigName=name)


class _Missing:
    """Context manager that suppresses the error for a resource that does not exist."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, _: object) -> bool:
        return isinstance(fault, ClientError) and error_code(fault) == _MISSING


def _ended(
    sagemaker: SageMakerClient, name: str, within_seconds: float, poll_seconds: float, tell: Callable[[str], None]
) -> DescribeAIBenchmarkJobResponseTypeDef:
    last = ""

    def describe() -> DescribeAIBenchmarkJobResponseTypeDef:
        nonlocal last
        described = sagemaker.describe_ai_benchmark_job(AIBenchmarkJobName=name)
        if described["AIBenchmarkJobStatus"] != last:
            last = described["AIBenchmarkJobStatus"]
            tell(f"job {name}: {last}")
        if last not in _ENDED:
            raise NotYet(last)
        return described

    try:
        return until_ready(
            describe,
            seconds=within_seconds,
            pauses=Pauses(poll_seconds, poll_seconds),
            waiting=lambda _reason, _seconds: None,
        )
    except NotYet as status:
        raise OperationError(f"the job {name} is still {status} after {within_seconds / 60:.0f} minutes") from None


# ---- results


def _summary(aws: Aws, location: str, name: str) -> tuple[str, dict[str, Any]]:
    """Return URL and content of AIPerf's summary below a job's output location, as a file or in an archive."""
    bucket, _, prefix = location.removeprefix("s3://").partition("/")
    client = aws.client("s3")
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", ()) if name in entry["Key"]]
    for key in sorted(keys, key=lambda key: key.endswith(_ARCHIVE)):  # files before archives
        if key.endswith((RESULT_FILE, _ARCHIVE)):
            content = client.get_object(Bucket=bucket, Key=key)["Body"].read()
            text = content if key.endswith(RESULT_FILE) else _of_archive(content)
            if text is not None:
                return f"s3://{bucket}/{key}", json.loads(text)
    raise OperationError(f"the job {name} has completed, but {location} contains no {RESULT_FILE}")


def _of_archive(content: bytes) -> bytes | None:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(RESULT_FILE) else None
            if file is not None:
                return file.read()
    return None


def _judgement(order: Order, name: str, where: str, summary: dict[str, Any]) -> JobMetrics:
    records = summary.get("records", summary)  # older versions of AIPerf have them at the top level

    def value(metric: str, statistic: str) -> float | None:
        number = records.get(metric, {}).get(statistic)
        return None if number is None else float(number)

    def seconds(metric: str, statistic: str) -> float | None:
        milliseconds = value(metric, statistic)
        return None if milliseconds is None else milliseconds / 1000

    rate = value("request_throughput", "avg")
    if rate is None:
        raise OperationError(f"{where} has no request_throughput: it is not a summary of AIPerf")
    return JobMetrics(
        users=order.load.users,
        requests_per_second_offered=order.load.offered,
        burst=order.load.burst,
        job=name,
        result=where,
        requests=round(value("request_count", "avg") or 0),
        requests_per_second=rate,
        latency_p50_seconds=seconds("request_latency", "p50"),
        latency_p90_seconds=seconds("request_latency", "p90"),
        ttft_p50_seconds=seconds("time_to_first_token", "p50"),
        output_tokens_per_second=value("output_token_throughput", "avg"),
    )
