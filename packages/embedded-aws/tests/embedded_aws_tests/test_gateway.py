"""The front door: who is let in, who answers, and that every refusal is one that boto3 understands."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from embedded_aws.faults import Fault, FaultKind
from embedded_aws.process import client_environment
from embedded_aws.server import EmbeddedAws
from embedded_aws_tests.support import settled
from replicas.catalogue.regions import known_regions

ROLE = "arn:aws:iam::123456789012:role/replicas"
NOTHING = json.dumps({"Resources": {"Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}})
"""A template that costs nothing."""
SIGNED = "AWS4-HMAC-SHA256 Credential=local/20260101/us-west-2/sagemaker/aws4_request, Signature=x"


def client(service: str) -> Any:
    """A client that checks nothing itself: what arrives is what was asked."""
    return boto3.client(service, config=Config(retries={"total_max_attempts": 1}, parameter_validation=False))


def refusal(call: Callable[[], Any]) -> Any:
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response


@pytest.fixture
def stack(embedded: EmbeddedAws) -> Iterator[str]:
    boto3.client("cloudformation").create_stack(StackName="small", TemplateBody=NOTHING)
    settled("small")
    yield "small"
    boto3.client("cloudformation").delete_stack(StackName="small")
    settled("small")


def names_of(cloudformation: Any) -> list[str]:
    return [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]


def answer(aws: EmbeddedAws, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=180)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read().decode()
    finally:
        connection.close()


# ---- who is let in


def test_it_answers_on_loopback_only(embedded: EmbeddedAws) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the address that others know us by
        address = probe.getsockname()[0]
    assert not address.startswith("127.")

    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((address, embedded.port), timeout=2)


@pytest.mark.parametrize("host", ["example.com", "localhost.example.com", "127.0.0.1.example.com", "192.0.2.1", ""])
def test_a_name_that_is_not_of_this_computer_is_refused(embedded: EmbeddedAws, host: str) -> None:
    assert answer(embedded, "GET", "/_replicas/health", Host=host)[0] == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:5566", "bucket.s3.localhost:5566"])
def test_names_of_loopback_are_let_in(embedded: EmbeddedAws, host: str) -> None:
    assert answer(embedded, "GET", "/_replicas/health", Host=host)[0] == 200


@pytest.mark.parametrize("headers", [{"Origin": "https://example.com"}, {"Sec_Fetch_Site": "cross-site"}])
def test_a_page_in_a_browser_is_refused(embedded: EmbeddedAws, headers: dict[str, str]) -> None:
    wanted = json.dumps({"kind": "throttling"}).encode()

    status, said = answer(embedded, "POST", "/_replicas/faults", wanted, **headers)

    assert (status, said) == (403, "the embedded AWS answers only requests of programs on this computer")
    assert embedded.faults.pending() == []


# ---- who answers


def test_services_of_moto_answer_beside_ours(embedded: EmbeddedAws) -> None:
    assert client("sts").get_caller_identity()["Account"] == "123456789012"
    assert boto3.client("sagemaker", region_name="ap-south-1").list_endpoints()["Endpoints"] == []
    assert "Buckets" in client("s3").list_buckets()


def test_each_region_has_its_own_services(embedded: EmbeddedAws, stack: str) -> None:
    here, there = (boto3.client("cloudformation", region_name=region) for region in ("us-west-2", "eu-west-1"))

    assert stack in names_of(here)
    assert stack not in names_of(there)


def test_the_cdk_finds_no_trail_at_once(embedded: EmbeddedAws) -> None:
    """After a failed deployment it looks there for reasons, and repeats the question where nobody answers."""
    assert client("cloudtrail").lookup_events()["Events"] == []


@pytest.mark.parametrize(
    ("service", "operation", "params", "code", "named"),
    [
        (
            "cloudwatch",
            "put_composite_alarm",
            {"AlarmName": "a", "AlarmRule": "ALARM(b)"},
            "UnknownOperationException",
            "cloudwatch:PutCompositeAlarm",
        ),
        ("sagemaker", "list_hubs", {}, "UnknownOperationException", "sagemaker:ListHubs"),
        ("cloudformation", "list_types", {}, "InvalidAction", "cloudformation:ListTypes"),
        ("gamelift", "list_fleets", {}, "UnknownOperationException", "gamelift:ListFleets"),
        (
            "lambda",
            "list_code_signing_configs",
            {},
            "UnknownOperationException",
            "GET /2020-04-22/code-signing-configs of lambda",
        ),
        (
            "iam",
            "list_policies_granting_service_access",
            {"Arn": ROLE, "ServiceNamespaces": ["s3"]},
            "InvalidAction",
            "iam:ListPoliciesGrantingServiceAccess",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and ":" in value else "",
)
def test_what_nobody_answers_is_refused_by_its_name(
    embedded: EmbeddedAws, service: str, operation: str, params: dict[str, Any], code: str, named: str
) -> None:
    refused = refusal(lambda: getattr(client(service), operation)(**params))

    assert refused["Error"]["Code"] == code
    assert refused["Error"]["Message"] == f"The embedded AWS does not support {named}."
    assert refused["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_operation_that_no_model_knows_is_refused_by_its_name(embedded: EmbeddedAws) -> None:
    status, said = answer(embedded, "POST", "/", b"{}", Authorization=SIGNED, X_Amz_Target="SageMaker.Shutdown")

    assert (status, json.loads(said)["message"]) == (400, "The embedded AWS does not support sagemaker:Shutdown.")
    assert "Models" in client("sagemaker").list_models(), "the service goes on"


def test_a_failure_of_moto_is_an_error_and_not_a_page(
    embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("hf_secret")

    monkeypatch.setattr("moto.ssm.models.SimpleSystemManagerBackend.put_parameter", fail)

    refused = refusal(lambda: client("ssm").put_parameter(Name="a", Value="hf_secret", Type="String"))

    assert refused["Error"] == {"Code": "InternalFailure", "Message": "moto failed at ssm:PutParameter: KeyError"}
    said = capfd.readouterr().err
    assert said.startswith("ssm:PutParameter: KeyError at ")
    assert "hf_secret" not in said


# ---- what is refused before it is answered


def test_a_required_member_is_missed_in_json(embedded: EmbeddedAws) -> None:
    refused = refusal(lambda: client("sagemaker").create_model())

    assert refused["Error"]["Code"] == "ValidationException"
    assert refused["Error"]["Message"].startswith("1 validation error detected: Value 'null' at 'modelName' failed")


def test_a_required_member_is_missed_in_a_query(embedded: EmbeddedAws) -> None:
    refused = refusal(lambda: client("cloudformation").create_change_set(ChangeSetName="c"))

    assert refused["Error"] == {
        "Type": "Sender",
        "Code": "ValidationError",
        "Message": "1 validation error detected: Value 'null' at 'stackName' failed to satisfy constraint: Member must "
        "not be null",
    }


def test_an_instance_type_that_does_not_exist_is_refused_with_those_that_do(embedded: EmbeddedAws) -> None:
    variant = {"VariantName": "v", "InstanceType": "ml.p4d.48xlarge", "InitialInstanceCount": 1}

    refused = refusal(
        lambda: client("sagemaker").create_endpoint_config(
            EndpointConfigName="config", ExecutionRoleArn=ROLE, ProductionVariants=[variant]
        )
    )

    assert "Value 'ml.p4d.48xlarge' at 'productionVariants.1.member.instanceType'" in refused["Error"]["Message"]
    assert "Member must satisfy enum value set: [ml.t2.medium" in refused["Error"]["Message"]
    assert "ml.p6-b300.48xlarge" in refused["Error"]["Message"]


def test_sagemakers_other_operations_are_checked_before_moto_sees_them(embedded: EmbeddedAws) -> None:
    refused = refusal(lambda: client("sagemaker").create_training_job(TrainingJobName="t"))

    assert refused["Error"]["Message"].startswith("2 validation errors detected: Value 'null' at ")


def test_a_body_that_is_no_json_is_refused(embedded: EmbeddedAws) -> None:
    status, said = answer(embedded, "POST", "/", b"{", Authorization=SIGNED, X_Amz_Target="SageMaker.ListModels")

    assert (status, json.loads(said)["__type"]) == (400, "SerializationException")


@pytest.mark.parametrize(
    ("service", "ask", "code"),
    [
        ("sagemaker", lambda there: there.list_endpoints(), "InvalidSignatureException"),
        ("ssm", lambda there: there.describe_parameters(), "InvalidSignatureException"),
        ("sts", lambda there: there.get_caller_identity(), "SignatureDoesNotMatch"),
        ("cloudformation", lambda there: there.describe_stacks(), "SignatureDoesNotMatch"),
        ("sagemaker-runtime", lambda there: there.invoke_endpoint(EndpointName="e", Body=b""), "InvalidSignature"),
        ("s3", lambda there: there.list_objects_v2(Bucket="b"), "AuthorizationHeaderMalformed"),
    ],
)
def test_a_region_that_there_is_not_is_refused_as_a_signature(
    embedded: EmbeddedAws, service: str, ask: Callable[[Any], Any], code: str
) -> None:
    once = Config(retries={"total_max_attempts": 1})
    refused = refusal(lambda: ask(boto3.client(service, region_name="mars-1", config=once)))

    assert refused["Error"]["Code"].startswith(code)
    assert "'mars-1'" in refused["Error"]["Message"]


def test_every_region_of_the_data_is_there_for_moto_too(embedded: EmbeddedAws) -> None:
    for region in known_regions():
        assert "Parameters" in boto3.client("ssm", region_name=region).describe_parameters(), region


# ---- faults on demand


@pytest.mark.parametrize(
    ("kind", "json_code", "query_code", "query_status"),
    [
        (FaultKind.THROTTLING, "ThrottlingException", "Throttling", 400),
        (FaultKind.EXPIRED_CREDENTIALS, "ExpiredTokenException", "ExpiredToken", 403),
        (FaultKind.ACCESS_DENIED, "AccessDeniedException", "AccessDenied", 403),
    ],
)
def test_each_protocol_has_its_own_name_for_a_refusal(
    embedded: EmbeddedAws, kind: FaultKind, json_code: str, query_code: str, query_status: int
) -> None:
    embedded.faults.add(Fault(kind))

    in_json = refusal(lambda: client("sagemaker").list_models())
    in_a_query = refusal(lambda: client("cloudformation").list_stacks())
    of_moto = refusal(lambda: client("sts").get_caller_identity())

    assert (in_json["Error"]["Code"], in_json["ResponseMetadata"]["HTTPStatusCode"]) == (json_code, 400)
    for refused in (in_a_query, of_moto):
        assert refused["Error"]["Code"] == query_code
        assert refused["ResponseMetadata"]["HTTPStatusCode"] == query_status


def test_a_fault_strikes_what_it_names_as_often_as_it_says(embedded: EmbeddedAws) -> None:
    embedded.faults.add(Fault(FaultKind.ACCESS_DENIED, on="sagemaker:List*", times=1))
    sagemaker = client("sagemaker")

    client("cloudformation").list_stacks()
    refused = refusal(sagemaker.list_models)

    assert "is not authorized to perform: sagemaker:ListModels" in refused["Error"]["Message"]
    assert "Models" in sagemaker.list_models()


def test_faults_are_asked_for_over_http(embedded: EmbeddedAws) -> None:
    wanted = {"kind": "slow-deletion", "on": "llama*", "times": 2, "seconds": 90}

    assert answer(embedded, "POST", "/_replicas/faults", json.dumps(wanted).encode())[0] == 204
    assert json.loads(answer(embedded, "GET", "/_replicas/faults")[1]) == [wanted]
    assert answer(embedded, "DELETE", "/_replicas/faults")[0] == 204
    assert embedded.faults.pending() == []


@pytest.mark.parametrize(
    ("document", "wrong"),
    [
        (b"{", "Expecting property name"),
        (b"[]", "expected an object"),
        (b'{"kind": "earthquake"}', "kind; kind is one of insufficient-capacity, "),
        (b'{"kind": "throttling", "times": 0}', "times"),
        (b'{"kind": "throttling", "times": true, "seconds": "7"}', "times, seconds"),
        (b'{"kind": "throttling", "where": "here"}', "where"),
    ],
)
def test_what_is_no_fault_is_refused(embedded: EmbeddedAws, document: bytes, wrong: str) -> None:
    status, said = answer(embedded, "POST", "/_replicas/faults", document)

    assert status == 400
    assert wrong in json.loads(said)["message"]
    assert embedded.faults.pending() == []


def test_a_path_of_ours_that_does_not_exist_is_not_found(embedded: EmbeddedAws) -> None:
    assert answer(embedded, "GET", "/_replicas/secrets")[0] == 404


# ---- several in one process


def test_ours_is_apart_and_motos_is_shared_where_two_run_in_one_process(embedded: EmbeddedAws, stack: str) -> None:
    sqs = boto3.client("sqs")
    queue = sqs.create_queue(QueueName="shared")["QueueUrl"]
    with EmbeddedAws(time_scale=3000) as other:
        there = {"endpoint_url": other.url, "region_name": "us-west-2"}

        assert names_of(boto3.client("cloudformation", **there)) == []
        assert len(boto3.client("sqs", **there).list_queues()["QueueUrls"]) == 1

    assert len(sqs.list_queues()["QueueUrls"]) == 1, "the other's end is not ours"
    sqs.delete_queue(QueueUrl=queue)


def test_a_port_that_is_taken_is_refused_at_once(embedded: EmbeddedAws) -> None:
    with pytest.raises(OSError, match="Address already in use"):
        EmbeddedAws(port=embedded.port)


def test_clients_behind_a_proxy_are_told_to_go_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HTTP_PROXY", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(variable, raising=False)
    assert "NO_PROXY" not in client_environment("http://127.0.0.1:1")

    monkeypatch.setenv("http_proxy", "http://proxy.example.com:3128")
    monkeypatch.setenv("no_proxy", "example.org")

    assert client_environment("http://127.0.0.1:1")["NO_PROXY"] == "example.org,127.0.0.1,localhost,.localhost"


def test_services_reach_each_other_past_a_proxy(embedded: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        nobody = gone.getsockname()[1]
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{nobody}")
    monkeypatch.setenv("no_proxy", "")
    service = embedded.gateway.service("cloudformation", "us-west-2")

    asked = service.surroundings.new_client("sts")

    assert asked.get_caller_identity()["Account"] == "123456789012"
    asked.close()
