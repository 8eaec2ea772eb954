"""What a caller of SageMaker Runtime sees: boto3 and the OpenAI client are the judges."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.process import client_environment
from embedded_aws.sagemaker.destinations import Destination, ServingCopy
from embedded_aws.server import EmbeddedAws
from embedded_aws.serving.routing import chosen
from embedded_aws_tests.support import TRUST, component_by_hand, endpoint_by_hand, in_service
from replicas.forecast.stand_in import StandInEngine


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with (
        EmbeddedAws(time_scale=20_000, speed=100, engine=StandInEngine()) as aws,
        pytest.MonkeyPatch.context() as patch,
    ):
        for variable, value in client_environment(aws.url).items():
            patch.setenv(variable, value)
        _deploy()
        yield aws


@pytest.fixture(autouse=True)
def no_faults(aws: EmbeddedAws) -> Iterator[None]:
    yield
    aws.faults.clear()


BearerToken = Callable[[], str]


@pytest.fixture(scope="module")
def bearer_token() -> BearerToken:
    """Makes tokens with AWS's own package, which takes seconds to import: only the worker that needs it does so."""
    from sagemaker.core.token_generator import generate_token

    return lambda: str(generate_token("us-west-2"))


def _images() -> dict[str, tuple[str, dict[str, str]]]:
    from replicas.engines import find_image

    tgi, vllm = find_image("tgi", "1.1.0"), find_image("vllm", "0.29.0")
    assert tgi
    assert vllm
    host = "763104351884.dkr.ecr.us-west-2.amazonaws.com"
    return {
        "tgi": (
            f"{host}/{tgi.repository}:{tgi.tag}",
            {
                "HF_MODEL_ID": "NousResearch/Llama-2-13b-chat-hf",
                "SM_NUM_GPUS": "1",
                "MAX_INPUT_LENGTH": "2048",
                "MAX_TOTAL_TOKENS": "4096",
            },
        ),
        "vllm": (
            f"{host}/{vllm.repository}:{vllm.tag}",
            {"SM_VLLM_MODEL": "Qwen/Qwen3-8B", "SM_VLLM_MAX_MODEL_LEN": "8192"},
        ),
        "unknown": (f"{host}/somebody-elses:1", {"HF_MODEL_ID": "x/y"}),
    }


def _deploy() -> None:
    role = boto3.client("iam").create_role(RoleName="test", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    sagemaker = boto3.client("sagemaker")
    endpoint_by_hand(
        sagemaker,
        role,
        InstanceType="ml.p4d.24xlarge",
        RoutingConfig={"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
    )
    for name, (image, environment) in _images().items():
        sagemaker.create_model(
            ModelName=name, ExecutionRoleArn=role, PrimaryContainer={"Image": image, "Environment": environment}
        )
        component_by_hand(sagemaker, name, 2, ModelName=name)
    for name in _images():
        in_service(sagemaker, name)


@pytest.fixture(scope="module")
def runtime(aws: EmbeddedAws) -> Any:
    return boto3.client("sagemaker-runtime", config=Config(retries={"total_max_attempts": 1}, max_pool_connections=50))


def invoke(runtime: Any, component: str, body: object, **more: Any) -> Any:
    answer = runtime.invoke_endpoint(
        EndpointName="e",
        InferenceComponentName=component,
        ContentType="application/json",
        Body=json.dumps(body),
        **more,
    )
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    return json.loads(answer["Body"].read())


def stream(runtime: Any, component: str, body: object) -> Iterator[bytes]:
    answer = runtime.invoke_endpoint_with_response_stream(
        EndpointName="e", InferenceComponentName=component, ContentType="application/json", Body=json.dumps(body)
    )
    with contextlib.closing(answer["Body"]) as events:  # a broken one would leave its connection to the collector
        for event in events:
            yield event["PayloadPart"]["Bytes"]


def refusal(runtime: Any, component: str, body: object, **more: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as raised:
        invoke(runtime, component, body, **more)
    return dict(raised.value.response)


QUESTION = {"inputs": "What is a GPU?", "parameters": {"max_new_tokens": 7, "return_full_text": False}}
CHAT = {"messages": [{"role": "user", "content": "What is a GPU?"}], "max_tokens": 7}


def test_tgi_answers_its_body_with_a_list_of_one_generation(runtime: Any) -> None:
    (generation,) = invoke(runtime, "tgi", {**QUESTION, "parameters": {**QUESTION["parameters"], "details": True}})
    assert generation["generated_text"] == " This answer comes from a stand-"
    assert generation["details"]["generated_tokens"] == len(generation["details"]["tokens"]) == 7
    (whole,) = invoke(runtime, "tgi", {"inputs": "What is a GPU?"})
    assert whole["generated_text"].startswith("What is a GPU?")


def test_tgi_streams_a_token_an_event_and_the_whole_text_at_the_end(runtime: Any) -> None:
    events = b"".join(stream(runtime, "tgi", {**QUESTION, "stream": True})).decode().strip().split("\n\n")
    tokens = [json.loads(event.removeprefix("data:")) for event in events]
    assert len(tokens) == 7
    assert "".join(token["token"]["text"] for token in tokens) == tokens[-1]["generated_text"]
    assert [token["generated_text"] for token in tokens[:-1]] == [None] * 6


def test_vllm_answers_chats_and_prompts(runtime: Any) -> None:
    answer = invoke(runtime, "vllm", CHAT)
    assert answer["usage"]["completion_tokens"] == 7
    assert answer["choices"][0]["message"]["role"] == "assistant"
    assert invoke(runtime, "vllm", {"prompt": "GPUs are", "max_tokens": 3})["choices"][0]["finish_reason"] == "length"


@pytest.mark.parametrize(
    ("component", "body", "words"),
    [
        ("tgi", {"inputs": "x " * 2048}, r"`inputs` must have less than 2048 tokens. Given: 2049"),
        ("tgi", {"inputs": "x", "parameters": {"max_new_tokens": 5000}}, r"must be <= 4096. Given: 2 `inputs` tokens"),
        ("tgi", {"inputs": "x", "parameters": {"temperature": 0}}, "`temperature` must be strictly positive"),
        ("tgi", {"inputs": "x", "parameters": {"top_p": 1.0}}, "`top_p` must be > 0.0 and < 1.0"),
        ("tgi", CHAT, "missing field `inputs`"),
        ("vllm", QUESTION, "Either prompt or prompt_embeds must be provided"),
        ("vllm", {"prompt": "x", "max_tokens": 9000}, "maximum context length is 8192 tokens"),
        ("vllm", {"messages": [{"content": "x"}]}, "Either prompt or prompt_embeds must be provided"),
        ("vllm", {**CHAT, "top_p": 0}, "top_p must be in (0, 1], got 0.0"),
    ],
)
def test_what_an_engine_refuses_comes_as_a_model_error_with_its_words(
    runtime: Any, component: str, body: object, words: str
) -> None:
    answer = refusal(runtime, component, body)
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert 400 <= answer["OriginalStatusCode"] < 500
    assert words in answer["OriginalMessage"]
    assert answer["LogStreamArn"].endswith(f"/aws/sagemaker/InferenceComponents/{component}")


def test_a_container_without_a_stand_in_says_so(runtime: Any) -> None:
    assert "somebody-elses:1 has no stand-in" in refusal(runtime, "unknown", QUESTION)["OriginalMessage"]


def test_a_body_of_more_than_six_megabytes_is_refused(runtime: Any) -> None:
    answer = refusal(runtime, "tgi", {"inputs": "x" * 6_300_000})
    assert answer["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("kind", "code", "status"),
    [
        (FaultKind.MODEL_ERROR, "ModelError", 424),
        (FaultKind.NOT_READY, "ModelNotReadyException", 429),
        (FaultKind.DEPENDENCY_ERROR, "InternalDependencyException", 530),
    ],
)
def test_faults_on_demand_come_with_the_services_codes(
    aws: EmbeddedAws, runtime: Any, kind: FaultKind, code: str, status: int
) -> None:
    aws.faults.add(Fault(kind, "tgi", times=1))
    answer = refusal(runtime, "tgi", QUESTION)
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    invoke(runtime, "tgi", QUESTION)


def test_throttling_comes_before_any_copy(aws: EmbeddedAws, runtime: Any) -> None:
    aws.faults.add(Fault(FaultKind.THROTTLING, "sagemaker:InvokeEndpoint", times=1))
    assert refusal(runtime, "tgi", QUESTION)["Error"]["Code"] == "ThrottlingException"


def test_a_broken_stream_keeps_what_came_and_ends_with_an_error(aws: EmbeddedAws, runtime: Any) -> None:
    aws.faults.add(Fault(FaultKind.BROKEN_STREAM, "tgi", times=1))
    came = b""
    parts = stream(runtime, "tgi", {**QUESTION, "parameters": {"max_new_tokens": 20}, "stream": True})
    with pytest.raises(EventStreamError, match="the connection to the model container broke"):  # noqa: PT012
        for part in parts:
            came += part
    assert came.count(b"data:") == 10


def test_the_openai_client_chats_with_a_token_of_the_sagemaker_sdk(aws: EmbeddedAws, bearer_token: BearerToken) -> None:
    import openai

    url = f"{aws.url}/endpoints/e/inference-components/vllm/openai/v1"
    with openai.OpenAI(base_url=url, api_key=bearer_token()) as client:
        message: list[Any] = CHAT["messages"]  # type: ignore[assignment]
        whole = client.chat.completions.create(model="", messages=message, max_tokens=5)
        parts = list(client.chat.completions.create(model="", messages=message, max_tokens=5, stream=True))
        assert whole.choices[0].message.content == "".join(part.choices[0].delta.content or "" for part in parts)
        with pytest.raises(openai.NotFoundError, match="The model `other` does not exist"):
            client.chat.completions.create(model="other", messages=message)
        with pytest.raises(openai.BadRequestError, match="maximum context length"):
            client.chat.completions.create(model="", messages=message, max_tokens=50_000)


def test_the_openai_path_wants_a_token_that_has_not_expired(aws: EmbeddedAws, bearer_token: BearerToken) -> None:
    import openai

    url = f"{aws.url}/endpoints/e/inference-components/vllm/openai/v1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.auth.get_current_datetime", lambda: datetime.now(UTC) - timedelta(hours=13))
        old = bearer_token()
    for key, words in (("sk-1234", "no SageMaker bearer token"), ("sagemaker-api-key-eA==", "not a presigned")):
        with openai.OpenAI(base_url=url, api_key=key) as client, pytest.raises(openai.AuthenticationError, match=words):
            client.chat.completions.create(model="", messages=[{"role": "user", "content": "x"}])
    with openai.OpenAI(base_url=url, api_key=old) as client, pytest.raises(openai.AuthenticationError, match="expired"):
        client.chat.completions.create(model="", messages=[{"role": "user", "content": "x"}])


def test_tgi_has_no_openai_path(aws: EmbeddedAws, bearer_token: BearerToken) -> None:
    import openai

    url = f"{aws.url}/endpoints/e/inference-components/tgi/openai/v1"
    key = bearer_token()
    with openai.OpenAI(base_url=url, api_key=key) as client, pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="", messages=[{"role": "user", "content": "x"}])


@pytest.mark.parametrize(
    ("endpoint", "component", "words"),
    [
        ("nobody", "tgi", "Endpoint nobody of account 123456789012 not found"),
        ("e", "nobody", "Inference Component nobody"),
        ("e", None, "Inference Component Name header is required"),
    ],
)
def test_wrong_names_are_validation_errors(runtime: Any, endpoint: str, component: str | None, words: str) -> None:
    named = {"InferenceComponentName": component} if component else {}
    with pytest.raises(ClientError, match=words) as raised:
        runtime.invoke_endpoint(EndpointName=endpoint, Body="{}", **named)
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_an_answer_takes_the_time_of_the_plan_a_hundred_times_faster(aws: EmbeddedAws, runtime: Any) -> None:
    """Not less: a busy machine may add to it. That it takes no more is held on a virtual clock, of whole benchmarks."""
    from replicas.forecast.batching import Request

    stand_in = next(iter(aws.gateway.serving._copies["tgi"].values()))
    batch = stand_in._batch
    request = Request(1501, 400)
    batch.submit(request)
    expected = 0.0
    while step := batch.next_step():
        expected += step.seconds(stand_in._times) / 100
        batch.complete(step)
    began = time.monotonic()

    invoke(runtime, "tgi", {"inputs": "word " * 1500, "parameters": {"max_new_tokens": 400}})

    assert time.monotonic() - began >= expected > 0.05


# ---- metrics


def metric(name: str, statistic: str, **dimensions: str) -> float | None:
    """Of the last minutes, as CloudWatch tells it."""
    now = time.time()
    (told,) = boto3.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/SageMaker",
                        "MetricName": name,
                        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
                    },
                    "Period": 3600,
                    "Stat": statistic,
                },
            }
        ],
        StartTime=now - 3600,
        EndTime=now + 3600,
    )["MetricDataResults"]
    return sum(told["Values"]) if told["Values"] else None


def test_what_becomes_of_requests_is_published(aws: EmbeddedAws, runtime: Any) -> None:
    vllm = {"InferenceComponentName": "vllm"}
    names = ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors", "InvocationModelErrors")
    variant = {"EndpointName": "e", "VariantName": "AllTraffic"}
    before = [metric(name, "Sum", **vllm) or 0 for name in names]
    of_all = metric("Invocations", "Sum", **variant) or 0
    most = metric("ConcurrentRequestsPerCopy", "Maximum", **vllm) or 0

    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 20}
    invoke(runtime, "vllm", body)
    list(stream(runtime, "vllm", {**body, "stream": True}))
    with pytest.raises(ClientError):
        invoke(runtime, "vllm", {"messages": []})
    aws.faults.add(Fault(FaultKind.MODEL_ERROR, on="vllm", times=1))
    with pytest.raises(ClientError):
        invoke(runtime, "vllm", body)
    aws.faults.add(Fault(FaultKind.DEPENDENCY_ERROR, on="vllm", times=1))
    with pytest.raises(ClientError):
        invoke(runtime, "vllm", body)

    after = [metric(name, "Sum", **vllm) or 0 for name in names]
    assert [now - then for now, then in zip(after, before, strict=True)] == [5, 1, 2, 2]
    assert (metric("Invocations", "Sum", **variant) or 0) - of_all == 5
    slowest = metric("ModelLatency", "Maximum", **vllm)
    assert slowest is not None
    assert 1_000 < slowest < 60e6, "microseconds"
    assert (metric("OverheadLatency", "p50", **vllm) or -1) >= 0
    one_at_a_time = 1 / 2  # of two copies; earlier tests may have had two at a time
    assert metric("ConcurrentRequestsPerCopy", "Maximum", **vllm) == max(most, one_at_a_time)
    assert metric("ConcurrentRequestsPerCopy", "Minimum", **vllm) == 0


def test_reservations_are_exact_and_utilisation_is_there(aws: EmbeddedAws, runtime: Any) -> None:
    cloudwatch = boto3.client("cloudwatch")
    listed = {
        (one["Namespace"], one["MetricName"])
        for namespace in ("/aws/sagemaker/Endpoints", "/aws/sagemaker/InferenceComponents")
        for one in cloudwatch.list_metrics(Namespace=namespace)["Metrics"]
    }
    assert ("/aws/sagemaker/InferenceComponents", "GPUMemoryUtilizationNormalized") in listed
    assert ("/aws/sagemaker/Endpoints", "GPUUtilization") in listed
    now = time.time()
    (point,) = cloudwatch.get_metric_statistics(
        Namespace="/aws/sagemaker/Endpoints",
        MetricName="GPUReservation",
        Dimensions=[{"Name": "EndpointName", "Value": "e"}, {"Name": "VariantName", "Value": "AllTraffic"}],
        StartTime=now - 86_400,
        EndTime=now + 86_400,
        Period=86_400 * 10,
        Statistics=["Maximum"],
    )["Datapoints"]
    assert point["Maximum"] == 75, "6 of 8 accelerators"


COPIES = tuple(
    ServingCopy(f"copy-{number}", "e", "c", "v", "i", "image", {}, "ml.p4d.24xlarge", 1) for number in range(8)
)


def spread(strategy: str, requests: int) -> list[int]:
    """Requests in flight on each copy after `requests` arrivals that never end. The first copy starts with 20."""
    loads = {copy.id: 0 for copy in COPIES} | {COPIES[0].id: 20}
    for _ in range(requests):
        loads[chosen(Destination(strategy, COPIES), loads, b"{}").id] += 1
    return list(loads.values())


def test_least_outstanding_requests_fill_the_copies_beside_a_slow_one_evenly() -> None:
    slow, *others = spread("LEAST_OUTSTANDING_REQUESTS", 7 * 15 + 3)
    assert slow == 20, "it is left alone until the others have as many"
    assert max(others) - min(others) == 1
    assert sum(others) == 7 * 15 + 3
    assert set(spread("LEAST_OUTSTANDING_REQUESTS", 7 * 20 + 8)) == {21}, "then it gets its share"


def in_flight(strategy: str, requests: int) -> list[int]:
    """Requests in flight on each of 8 copies after `requests` arrivals in turn, none of which has ended."""
    image, variables = _images()["vllm"]
    with EmbeddedAws(time_scale=20_000, speed=0.1, engine=StandInEngine()) as aws, contextlib.ExitStack() as streams:
        here: dict[str, Any] = {"endpoint_url": aws.url, "region_name": "us-west-2"}
        sagemaker = boto3.client("sagemaker", **here)
        role = boto3.client("iam", **here).get_role(RoleName="test")["Role"]["Arn"]
        routing = {"RoutingStrategy": strategy}
        endpoint_by_hand(sagemaker, role, InstanceType="ml.p4d.24xlarge", RoutingConfig=routing)
        component_by_hand(sagemaker, "vllm", 8, Container={"Image": image, "Environment": variables})
        in_service(sagemaker, "vllm")
        many = Config(retries={"total_max_attempts": 1}, max_pool_connections=requests)
        runtime = boto3.client("sagemaker-runtime", config=many, **here)
        body = json.dumps({**CHAT, "max_tokens": 4000, "stream": True})
        for _ in range(requests):
            answer = runtime.invoke_endpoint_with_response_stream(
                EndpointName="e", InferenceComponentName="vllm", ContentType="application/json", Body=body
            )
            streams.callback(answer["Body"].close)
        return [copy.outstanding for copy in aws.gateway.serving._copies["vllm"].values()]


def test_requests_go_to_the_copy_with_the_least_or_to_any_as_the_variant_says(aws: EmbeddedAws) -> None:
    """64 thrown at random on 8 copies come to 8 on each once in 300,000 runs."""
    least, random = in_flight("LEAST_OUTSTANDING_REQUESTS", 64), in_flight("RANDOM", 64)
    assert least == [8] * 8
    assert sum(random) == 64
    assert sorted(random) != [8] * 8


def test_prompts_that_begin_alike_meet_on_one_copy() -> None:
    copies = COPIES
    to = Destination("PREFIX_AWARE", copies, prefix_length=1024, concurrency_threshold=3)

    def home(prompt: str, loads: dict[str, int] | None = None, among: Destination = to) -> str:
        return chosen(among, loads or {}, json.dumps({"inputs": prompt}).encode()).id

    begin = "You are helpful. " * 100
    assert len({home(f"{begin}{question}") for question in range(50)}) == 1
    homes = {home(f"{tenant} {begin}") for tenant in range(200)}
    assert homes == {copy.id for copy in copies}, "different ones are spread"
    first = home(begin)
    assert home(begin, {first: 2}) == first
    assert home(begin, {first: 3}) != first, "a crowd goes on to the others"
    fewer = Destination("PREFIX_AWARE", tuple(copy for copy in copies if copy.id != first), prefix_length=1024)
    assert home("else" + begin, among=fewer) == home("else" + begin) or home("else" + begin) == first


def test_weights_in_s3_are_those_that_were_staged(aws: EmbeddedAws, runtime: Any) -> None:
    image, variables = _images()["vllm"]
    sagemaker, s3 = boto3.client("sagemaker"), boto3.client("s3")
    role = boto3.client("iam").get_role(RoleName="test")["Role"]["Arn"]
    source = {"S3Uri": "s3://weights/qwen/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    sagemaker.create_model(
        ModelName="staged",
        ExecutionRoleArn=role,
        PrimaryContainer={
            "Image": image,
            "Environment": {**variables, "SM_VLLM_MODEL": "/opt/ml/model"},
            "ModelDataSource": {"S3DataSource": source},
        },
    )
    component_by_hand(sagemaker, "staged", 1, ModelName="staged")
    in_service(sagemaker, "staged")
    body = {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 20}
    with pytest.raises(ClientError, match="manifest that `replicas stage` writes"):
        invoke(runtime, "staged", body)
    s3.create_bucket(Bucket="weights", CreateBucketConfiguration={"LocationConstraint": "us-west-2"})
    s3.put_object(Bucket="weights", Key="qwen.manifest.json", Body=json.dumps({"repository": "Qwen/Qwen3-8B"}))
    assert "stand-in for Qwen/Qwen3-8B" in json.dumps(invoke(runtime, "staged", body))
    sagemaker.delete_inference_component(InferenceComponentName="staged")
    s3.delete_object(Bucket="weights", Key="qwen.manifest.json")
    s3.delete_bucket(Bucket="weights")
