"""SageMaker's AI benchmark jobs, which run AIPerf against an endpoint. The serving engine supplies the result."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any

import yaml
from botocore.exceptions import ClientError

from embedded_aws.evidence import ASSUMED, LIMIT, documented
from embedded_aws.sagemaker.base import page, refused, when
from embedded_aws.sagemaker.components import Components
from embedded_aws.sagemaker.destinations import Destination
from embedded_aws.sagemaker.models import check_vpc
from embedded_aws.sagemaker.state import Named
from embedded_aws.service import Answer, Parameters, ServiceError
from embedded_aws.serving.engine import BenchmarkOutcome, Container, container_of
from replicas.load import Load
from replicas.load.aiperf import load_of

_START_SECONDS = 120.0
"""Start-up time of the load generator's instance, in AWS's seconds. Assumed: no public measurement is known."""
_UNSUPPORTED = ("public_dataset", "custom_dataset_type", "input_file", "fixed_schedule")
RESULT_FILE = "profile_export_aiperf.json"
"""AIPerf's file name for its summary."""
_NOT_FOUND = documented("SageMaker API: ResourceNotFound")
_IN_USE = documented("SageMaker API: ResourceInUse")


@dataclass
class Job:
    """A benchmark job."""

    name: str
    arn: str
    created: float
    request: dict[str, Any]
    ends: float
    status: str = "InProgress"
    failure: str | None = None
    ended: float | None = None
    result: dict[str, Any] | None = None
    """AIPerf's summary, from the end of the job until it is written to S3; otherwise None."""


@dataclass
class _Jobs:
    workloads: dict[str, Named] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)


class BenchmarkJobs(Components):
    """The operations on AI workload configurations and AI benchmark jobs."""

    def __init__(self, surroundings: Any) -> None:
        super().__init__(surroundings)
        self._benchmarks = _Jobs()

    def state(self) -> dict[str, Any]:
        """Return the state to save, including workload configurations and jobs."""
        with self._lock:
            return {**super().state(), "_benchmarks": self._benchmarks}

    # ---- workload configurations

    def create_ai_workload_config(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        name = params["AIWorkloadConfigName"]
        _parameters(params)
        with self.now() as now:
            if name in self._benchmarks.workloads:
                raise ServiceError("ResourceInUse", f"AI workload config {name} exists already.", _IN_USE)
            arn = self.arn("ai-workload-config", name)
            request = {key: value for key, value in params.items() if key != "Tags"}
            self._benchmarks.workloads[name] = Named(name, arn, now, request)
            self.tag(arn, params.get("Tags"))
            return {"AIWorkloadConfigArn": arn}

    def describe_ai_workload_config(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            workload = self._workload(params["AIWorkloadConfigName"])
            answer = {**workload.request, "AIWorkloadConfigArn": workload.arn, "CreationTime": when(workload.created)}
            return {**answer, "Tags": self._tags(workload.arn)}

    def list_ai_workload_configs(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            entries: list[Answer] = [
                {
                    "AIWorkloadConfigName": workload.name,
                    "AIWorkloadConfigArn": workload.arn,
                    "CreationTime": when(workload.created),
                }
                for workload in self._benchmarks.workloads.values()
            ]
        return page(entries, params, "AIWorkloadConfigs", name="AIWorkloadConfigName")

    def delete_ai_workload_config(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            workload = self._workload(params["AIWorkloadConfigName"])
            users = [
                job.name
                for job in self._benchmarks.jobs.values()
                if job.status == "InProgress" and _name(job.request["AIWorkloadConfigIdentifier"]) == workload.name
            ]
            if users:
                raise ServiceError(
                    "ResourceInUse",
                    f"AI workload config {workload.name} is used by active jobs: {', '.join(users)}.",
                    _IN_USE,
                )
            del self._benchmarks.workloads[workload.name], self.hosting.tags[workload.arn]
            return {"AIWorkloadConfigArn": workload.arn}

    # ---- jobs

    def create_ai_benchmark_job(self, params: Parameters) -> Answer:  # noqa: D102
        self.check_role(params["RoleArn"])
        check_vpc(params.get("NetworkConfig", {}).get("VpcConfig"))
        with self.now() as now:
            name = params["AIBenchmarkJobName"]
            if name in self._benchmarks.jobs:
                raise ServiceError("ResourceInUse", f"AI benchmark job {name} exists already.", _IN_USE)
            parameters = _parameters(self._workload(_name(params["AIWorkloadConfigIdentifier"])).request)
            seconds = (
                parameters.get("benchmark_duration", 0.0) + parameters.get("warmup_duration", 0.0) + _START_SECONDS
            )
            arn = self.arn("ai-benchmark-job", name)
            request = {key: value for key, value in params.items() if key != "Tags"}
            job = Job(name, arn, now, request, now + self.surroundings.clock.here(seconds))
            self._benchmarks.jobs[name] = job
            self.tag(arn, params.get("Tags"))
            try:
                job.result = self._measured(self._destination(params), parameters)
            except (ServiceError, ValueError) as fault:
                job.failure = getattr(fault, "message", str(fault))
            return {"AIBenchmarkJobArn": arn}

    def describe_ai_benchmark_job(self, params: Parameters) -> Answer:  # noqa: D102
        self._settle()
        with self.now():
            job = self._job(params["AIBenchmarkJobName"])
            answer: Answer = {
                **job.request,
                "AIBenchmarkJobArn": job.arn,
                "AIBenchmarkJobStatus": job.status,
                "CreationTime": when(job.created),
                "StartTime": when(job.created),
                "Tags": self._tags(job.arn),
            }
            if job.status == "Failed":
                answer["FailureReason"] = job.failure
            if job.ended is not None:
                answer["EndTime"] = when(job.ended)
            return answer

    def list_ai_benchmark_jobs(self, params: Parameters) -> Answer:  # noqa: D102
        self._settle()
        status = params.get("StatusEquals")
        with self.now():
            entries: list[Answer] = [
                {
                    "AIBenchmarkJobName": job.name,
                    "AIBenchmarkJobArn": job.arn,
                    "AIBenchmarkJobStatus": job.status,
                    "CreationTime": when(job.created),
                    "AIWorkloadConfigName": _name(job.request["AIWorkloadConfigIdentifier"]),
                    **({"EndTime": when(job.ended)} if job.ended is not None else {}),
                }
                for job in self._benchmarks.jobs.values()
                if status in (None, job.status)
            ]
        by_status = {"Status": lambda entry: entry["AIBenchmarkJobStatus"]}
        return page(entries, params, "AIBenchmarkJobs", name="AIBenchmarkJobName", sort=by_status)

    def stop_ai_benchmark_job(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now() as now:
            job = self._job(params["AIBenchmarkJobName"])
            if job.status == "InProgress":
                job.status, job.ended, job.result = "Stopped", now, None
            return {"AIBenchmarkJobArn": job.arn}

    def delete_ai_benchmark_job(self, params: Parameters) -> Answer:  # noqa: D102
        with self.now():
            job = self._job(params["AIBenchmarkJobName"])
            if job.status == "InProgress":  # AWS's behaviour is not known: strict interpretation
                raise ServiceError(
                    "ResourceInUse", f"AI benchmark job {job.name} is in progress: stop it first.", ASSUMED
                )
            del self._benchmarks.jobs[job.name], self.hosting.tags[job.arn]
            return {"AIBenchmarkJobArn": job.arn}

    # ---- results

    def _settle(self) -> None:
        """End the jobs that are due. The lock is released while results are written to S3, which is another
        service.
        """
        with self.now() as now:
            due = [job for job in self._benchmarks.jobs.values() if job.status == "InProgress" and job.ends <= now]
        for job in due:
            failure = job.failure or self._write(job)
            with self.now():
                if job.status == "InProgress":
                    job.status, job.failure, job.ended = "Failed" if failure else "Completed", failure, job.ends
                    job.result = None

    def _write(self, job: Job) -> str | None:
        """Write a job's result to its S3 location. Return the reason if writing fails, otherwise None."""
        bucket, _, prefix = job.request["OutputConfig"]["S3OutputLocation"].partition("://")[2].partition("/")
        key = "/".join(segment for segment in (prefix.strip("/"), job.name, "output", RESULT_FILE) if segment)
        client = self.surroundings.client("s3")
        try:
            client.put_object(Bucket=bucket, Key=key, Body=json.dumps(job.result, indent=2).encode())
        except ClientError as fault:
            return f"the results cannot be written to s3://{bucket}/{key}: {fault}"
        return None

    def _destination(self, params: Parameters) -> Destination:
        target = params["BenchmarkTarget"]["Endpoint"]
        components = [_name(component["Identifier"]) for component in target.get("InferenceComponents", ())]
        if len(components) > 1:
            raise refused("The embedded AWS benchmarks one inference component at a time.", LIMIT)
        return self.route(_name(target["Identifier"]), components[0] if components else None)

    def _measured(self, destination: Destination, parameters: dict[str, Any]) -> dict[str, Any]:
        container = container_of(self.surroundings.engine, destination.copies[0])
        return _result(container, destination, parameters)

    def _workload(self, name: str) -> Named:
        if name not in self._benchmarks.workloads:
            raise ServiceError("ResourceNotFound", f"AI workload config {name} does not exist.", _NOT_FOUND)
        return self._benchmarks.workloads[name]

    def _job(self, name: str) -> Job:
        if name not in self._benchmarks.jobs:
            raise ServiceError("ResourceNotFound", f"AI benchmark job {name} does not exist.", _NOT_FOUND)
        return self._benchmarks.jobs[name]

    def _tags(self, arn: str) -> list[dict[str, str]]:
        return [{"Key": key, "Value": value} for key, value in self.hosting.tags[arn].items()]


def _name(identifier: str) -> str:
    """Return the name of a resource, from its name or its ARN."""
    return identifier.rpartition("/")[2]


def _parameters(request: Parameters) -> dict[str, Any]:
    """Return AIPerf's validated parameters.

    They describe users or a request rate for a duration, or a burst of requests.
    """
    inline = request.get("AIWorkloadConfigs", {}).get("WorkloadSpec", {}).get("Inline")
    if inline is None:
        raise refused("The embedded AWS accepts only AIWorkloadConfigs.WorkloadSpec.Inline.", LIMIT)
    try:
        document = yaml.safe_load(inline)  # JSON is YAML
    except yaml.YAMLError as fault:
        raise refused(f"WorkloadSpec.Inline is neither JSON nor YAML: {fault}", ASSUMED) from None
    if not isinstance(document, dict) or document.get("benchmark", {}).get("type") != "aiperf":
        raise refused("WorkloadSpec.Inline needs benchmark.type: aiperf.", ASSUMED)
    parameters = document.get("parameters", {})
    others = [name for name in _UNSUPPORTED if name in parameters]
    if others:
        raise refused(
            f"The embedded AWS does not support {', '.join(others)}: give token lengths as mean and deviation.", LIMIT
        )
    try:
        load_of(parameters)
    except ValueError as fault:
        raise refused(f"The parameters of WorkloadSpec.Inline do not describe a load: {fault}", ASSUMED) from None
    return dict(parameters)


def _result(container: Container, destination: Destination, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the summary that AIPerf would write for the load on the destination's copies."""
    load, duration = load_of(parameters)
    outcome = container.benchmark(
        copies=len(destination.copies), routing=destination.routing_strategy, load=load, duration_seconds=duration
    )
    return {"input_config": parameters, **_summary(outcome, load, duration)}


def _summary(outcome: BenchmarkOutcome, load: Load, duration: float) -> dict[str, Any]:
    """Return the result of a benchmark, with AIPerf's metric names and units."""
    if load.has_end:
        duration = max((request.ended for request in outcome.answered), default=1.0)
    within = [request for request in outcome.answered if request.ended <= duration]
    latencies = [1000 * (request.ended - request.asked) for request in within]
    firsts = [1000 * (request.first_token - request.asked) for request in within]
    tokens = sum(request.output_tokens for request in within)
    return {
        "request_count": {"unit": "requests", "avg": float(len(within))},
        "error_request_count": {"unit": "requests", "avg": float(len(outcome.refused))},
        "request_throughput": {"unit": "requests/sec", "avg": len(within) / duration},
        "output_token_throughput": {"unit": "tokens/sec", "avg": tokens / duration},
        "request_latency": _spread(latencies),
        "time_to_first_token": _spread(firsts),
    }


def _spread(values: list[float]) -> dict[str, Any]:
    ordered = sorted(values)
    if not ordered:
        return {"unit": "ms"}
    hundredths = quantiles(ordered, n=100, method="inclusive") if len(ordered) > 1 else ordered * 99
    percentiles = {f"p{percent}": hundredths[percent - 1] for percent in (50, 90, 95, 99)}
    return {"unit": "ms", "avg": sum(ordered) / len(ordered), "min": ordered[0], "max": ordered[-1], **percentiles}
