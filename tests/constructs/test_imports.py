"""Endpoints and components of elsewhere: their names, ARNs, accounts and regions, and what is added to them."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam

from replicas_cdk import CopySpecification, InferenceComponent, MultiReplicaEndpoint
from tests.constructs.conftest import Refuses
from tests.synthesis import Template, stage, template_of

ARN = "arn:aws:sagemaker:eu-west-1:210987654321:inference-component/llama"
ENDPOINT_ARN = "arn:aws:sagemaker:eu-west-1:210987654321:endpoint/chat"
TYPE = "AWS::SageMaker::InferenceComponent"


@pytest.fixture
def home(context: dict[str, Any]) -> cdk.Stack:
    """A stack in the account and region of the ARNs."""
    environment = cdk.Environment(account="210987654321", region="eu-west-1")
    return cdk.Stack(stage(context), "stack", stack_name="stack", env=environment)


@pytest.fixture
def abroad(context: dict[str, Any]) -> cdk.Stack:
    """A stack in another account and region."""
    environment = cdk.Environment(account="123456789012", region="us-west-2")
    return cdk.Stack(stage(context), "stack", stack_name="stack", env=environment)


def warnings(stack: cdk.Stack, path: str) -> list[str]:
    found = assertions.Annotations.from_stack(stack).find_warning(path, assertions.Match.any_value())
    return [str(message.entry.data) for message in found]


def properties(template: Template, kind: str) -> list[Template]:
    return [body["Properties"] for body in template["Resources"].values() if body["Type"] == kind]


def resources_of_grants(template: Template) -> list[Any]:
    return [
        statement["Resource"]
        for policy in properties(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def test_an_import_has_the_account_and_region_of_its_arn(abroad: cdk.Stack) -> None:
    component = InferenceComponent.from_inference_component_arn(abroad, "C", ARN, endpoint_name="chat")
    endpoint = MultiReplicaEndpoint.from_endpoint_arn(abroad, "E", ENDPOINT_ARN)

    for imported in (component, endpoint):
        assert (imported.env.account, imported.env.region) == ("210987654321", "eu-west-1")
    assert (component.inference_component_name, component.inference_component_arn) == ("llama", ARN)
    assert component.invocation_arns == [ARN, ENDPOINT_ARN]
    assert (endpoint.endpoint_name, endpoint.endpoint_arn, endpoint.endpoint_identity) == (
        "chat",
        ENDPOINT_ARN,
        ENDPOINT_ARN,
    )


def test_the_endpoint_of_a_component_is_in_the_partition_of_its_arn(abroad: cdk.Stack) -> None:
    arn = "arn:aws-cn:sagemaker:cn-north-1:210987654321:inference-component/llama"

    component = InferenceComponent.from_inference_component_arn(abroad, "C", arn, endpoint_name="chat")

    assert component.invocation_arns == [arn, "arn:aws-cn:sagemaker:cn-north-1:210987654321:endpoint/chat"]


def test_an_import_by_name_is_in_the_account_and_region_of_the_stack(home: cdk.Stack) -> None:
    endpoint = MultiReplicaEndpoint.from_endpoint_name(home, "E", "chat")
    component = InferenceComponent.from_inference_component_name(home, "C", "llama", endpoint_name="chat")

    for imported in (component, endpoint):
        assert (imported.env.account, imported.env.region) == ("210987654321", "eu-west-1")
    assert (endpoint.endpoint_arn, endpoint.endpoint_identity) == (ENDPOINT_ARN, "chat")
    assert component.invocation_arns == [ARN, ENDPOINT_ARN]
    assert component.inference_component_name == "llama"


def test_an_import_by_name_into_any_region_has_the_region_of_the_stack(stack: cdk.Stack) -> None:
    endpoint = MultiReplicaEndpoint.from_endpoint_name(stack, "E", "chat")

    region, account = {"Ref": "AWS::Region"}, {"Ref": "AWS::AccountId"}
    parts = ["arn:", {"Ref": "AWS::Partition"}, ":sagemaker:", region, ":", account, ":endpoint/chat"]
    assert stack.resolve(endpoint.endpoint_arn) == {"Fn::Join": ["", parts]}


def test_an_imported_endpoint_grants_on_its_components(home: cdk.Stack) -> None:
    endpoint = MultiReplicaEndpoint.from_endpoint_attributes(
        home, "E", endpoint_arn=ENDPOINT_ARN, inference_component_names=["llama", "qwen"]
    )
    endpoint.grant_invoke(iam.User(home, "Caller"))

    of = "arn:aws:sagemaker:eu-west-1:210987654321"
    (granted,) = resources_of_grants(template_of(home))
    assert granted == [ENDPOINT_ARN, f"{of}:inference-component/llama", f"{of}:inference-component/qwen"]
    assert warnings(home, "/Test/stack/E") == []
    assert endpoint.components["qwen"].invocation_arns == [f"{of}:inference-component/qwen", ENDPOINT_ARN]


def test_a_grant_on_an_endpoint_whose_components_are_not_named_warns(home: cdk.Stack) -> None:
    MultiReplicaEndpoint.from_endpoint_name(home, "E", "chat").grant_invoke_stream(iam.User(home, "Caller"))

    (warning,) = warnings(home, "/Test/stack/E")
    assert warning.startswith("Test/stack/E: a caller needs rights on a component and on its endpoint")
    assert "inference_component_names= to from_endpoint_attributes" in warning


def test_the_variant_of_an_imported_endpoint_is_a_dimension_of_its_metrics(home: cdk.Stack) -> None:
    by_default = MultiReplicaEndpoint.from_endpoint_name(home, "E", "chat")
    blue = MultiReplicaEndpoint.from_endpoint_attributes(home, "B", endpoint_name="chat", variant_name="Blue")

    assert by_default.metric_invocations().dimensions == {"EndpointName": "chat", "VariantName": "AllTraffic"}
    assert blue.metric_gpu_reservation().dimensions == {"EndpointName": "chat", "VariantName": "Blue"}


def test_components_of_an_imported_endpoint_may_be_parameters(stack: cdk.Stack) -> None:
    names = [cdk.CfnParameter(stack, key).value_as_string for key in ("One", "Two")]

    endpoint = MultiReplicaEndpoint.from_endpoint_attributes(
        stack, "E", endpoint_name="chat", inference_component_names=names
    )

    resolved = [stack.resolve(component.inference_component_name) for component in endpoint.components.values()]
    assert resolved == [{"Ref": "One"}, {"Ref": "Two"}]


def test_the_copies_of_an_imported_component_scale(home: cdk.Stack) -> None:
    component = InferenceComponent.from_inference_component_arn(home, "C", ARN)

    component.auto_scale_copies(min_copies=1, max_copies=4).scale_on_concurrency(target=8)

    (target,) = properties(template_of(home), "AWS::ApplicationAutoScaling::ScalableTarget")
    assert target["ResourceId"] == "inference-component/llama"
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 4)


def test_an_imported_component_takes_an_adapter_that_is_not_judged(home: cdk.Stack) -> None:
    component = InferenceComponent.from_inference_component_arn(home, "C", ARN, endpoint_arn=ENDPOINT_ARN)

    adapter = component.add_adapter("sql", artifact_url="s3://bucket/sql/")

    (made,) = properties(template_of(home), TYPE)
    assert made == {
        "EndpointName": "chat",
        "Specification": {
            "BaseInferenceComponentName": "llama",
            "Container": {"ArtifactUrl": "s3://bucket/sql/"},
        },
    }
    assert adapter.invocation_arns[1] == ENDPOINT_ARN
    (warning,) = warnings(home, "/Test/stack/C/Adapter-sql")
    assert "the base component is imported, so two questions are not judged" in warning
    assert "may read the adapter" in warning


def test_the_rank_of_an_adapter_of_an_imported_component_is_a_number(home: cdk.Stack, refuses: Refuses) -> None:
    component = InferenceComponent.from_inference_component_arn(home, "C", ARN, endpoint_arn=ENDPOINT_ARN)

    with refuses(r"^Test/stack/C: rank=0: "):
        component.add_adapter("sql", artifact_url="s3://bucket/sql/", rank=0)


def test_another_base_is_another_adapter(context: dict[str, Any]) -> None:
    def ids(base: str) -> set[str]:
        stack = cdk.Stack(stage(context), "stack")
        component = InferenceComponent.from_inference_component_name(stack, "C", base, endpoint_name="chat")
        component.add_adapter("sql", artifact_url="s3://bucket/sql/")
        return set(template_of(stack)["Resources"])

    assert ids("llama") == ids("llama")
    assert ids("llama").isdisjoint(ids("qwen"))


def test_a_component_is_placed_on_an_imported_endpoint(home: cdk.Stack) -> None:
    specification = CopySpecification(model_name="model", accelerators=1, cpus=4, memory_mib=1024)

    component = InferenceComponent(
        home,
        "C",
        endpoint=MultiReplicaEndpoint.from_endpoint_arn(home, "E", ENDPOINT_ARN),
        variant_name="AllTraffic",
        copies=1,
        specifications=[specification],
    )

    (made,) = properties(template_of(home), TYPE)
    assert made["EndpointName"] == "chat"
    assert component.invocation_arns[1] == ENDPOINT_ARN


def test_the_role_of_an_imported_endpoint_may_read_what_is_added(home: cdk.Stack) -> None:
    role = iam.Role(home, "Role", assumed_by=iam.ServicePrincipal("sagemaker.amazonaws.com"))
    endpoint = MultiReplicaEndpoint.from_endpoint_attributes(home, "E", endpoint_arn=ENDPOINT_ARN, role=role)
    specification = CopySpecification(model_name="model", accelerators=1, cpus=4, memory_mib=1024)
    component = InferenceComponent(
        home, "C", endpoint=endpoint, variant_name="AllTraffic", copies=1, specifications=[specification]
    )

    component.add_adapter("sql", artifact_url="s3://bucket/sql/")

    template = template_of(home)
    arn = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::bucket/sql/*"]]}
    assert resources_of_grants(template)[0] == arn
    (adapter,) = [body for body in template["Resources"].values() if "Container" in str(body.get("Properties"))]
    assert adapter["DependsOn"] == ["RoleDefaultPolicy5FFB7DAB"]


def test_a_role_that_cannot_be_changed_is_said_aloud(home: cdk.Stack) -> None:
    role = iam.Role.from_role_arn(home, "Role", "arn:aws:iam::210987654321:role/sm", mutable=False)
    endpoint = MultiReplicaEndpoint.from_endpoint_attributes(home, "E", endpoint_arn=ENDPOINT_ARN, role=role)
    specification = CopySpecification(model_name="model", accelerators=1, cpus=4, memory_mib=1024)
    component = InferenceComponent(
        home, "C", endpoint=endpoint, variant_name="AllTraffic", copies=1, specifications=[specification]
    )

    component.add_adapter("sql", artifact_url="s3://bucket/sql/")

    (warning,) = warnings(home, "/Test/stack/C/Adapter-sql")
    assert (
        "Test/stack/C/Adapter-sql: this app cannot change the endpoint's role. To read s3://bucket/sql/, the role must "
        "be allowed s3:GetObject and s3:ListBucket on the bucket, and kms:Decrypt on its KMS key"
    ) in warning


def test_a_metric_of_elsewhere_names_its_account_and_region(abroad: cdk.Stack) -> None:
    """A graph in another region would show nothing without them; one in the same region does not repeat them."""
    component = InferenceComponent.from_inference_component_arn(abroad, "C", ARN)
    endpoint = MultiReplicaEndpoint.from_endpoint_arn(abroad, "E", ENDPOINT_ARN)

    graph = cloudwatch.GraphWidget(left=[component.metric_invocations(), endpoint.metric_gpu_utilization()])

    metrics = abroad.resolve(graph.to_json())[0]["properties"]["metrics"]
    assert [metric[-1] for metric in metrics] == [
        {"stat": "Sum", "accountId": "210987654321", "region": "eu-west-1"},
        {"accountId": "210987654321", "region": "eu-west-1"},
    ]


FORM = "write arn:aws:sagemaker:<region>:<account>:inference-component/<name>"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({}, "pass one of inference_component_arn= and inference_component_name=: neither was given"),
        (
            {"inference_component_arn": ARN, "inference_component_name": "llama"},
            "pass one of inference_component_arn= and inference_component_name=: both were given",
        ),
        (
            {"inference_component_arn": ENDPOINT_ARN},
            f"inference_component_arn='{ENDPOINT_ARN}': "
            "write arn:aws:sagemaker:<region>:<account>:inference-component/<name>",
        ),
        (
            {"inference_component_name": "a_b", "endpoint_name": "-c"},
            "inference_component_name='a_b': use at most 63 letters, digits and hyphens, with a letter or digit at "
            "both "
            "ends; endpoint_name='-c': use at most 63 letters, digits and hyphens, with a letter or digit at both ends",
        ),
        (
            {"inference_component_name": "a", "endpoint_arn": ARN},
            f"endpoint_arn='{ARN}': write arn:aws:sagemaker:<region>:<account>:endpoint/<name>",
        ),
        ({"inference_component_arn": "llama"}, f"inference_component_arn='llama': {FORM}"),
        ({"inference_component_arn": ""}, f"inference_component_arn='': {FORM}"),
        ({"inference_component_arn": 5}, f"inference_component_arn=5: {FORM}"),
        (
            {"inference_component_arn": ARN, "endpoint_arn": ENDPOINT_ARN.replace("210987654321", "123456789012")},
            f"inference_component_arn='{ARN}' and "
            "endpoint_arn='arn:aws:sagemaker:eu-west-1:123456789012:endpoint/chat': use resources with the same "
            "account",
        ),
        (
            {"inference_component_arn": ARN, "endpoint_arn": ENDPOINT_ARN.replace("eu-west-1", "us-east-1")},
            f"inference_component_arn='{ARN}' and "
            "endpoint_arn='arn:aws:sagemaker:us-east-1:210987654321:endpoint/chat': use resources with the same region",
        ),
        (
            {"inference_component_arn": ARN, "endpoint_arn": "arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/c"},
            f"inference_component_arn='{ARN}' and endpoint_arn='arn:aws-cn:sagemaker:cn-north-1:123456789012:endpoint/"
            "c': use resources with the same partition and the same region and the same account",
        ),
        (
            {"inference_component_name": "a", "endpoint_arn": ENDPOINT_ARN, "endpoint_name": "other"},
            f"endpoint_arn='{ENDPOINT_ARN}' and endpoint_name='other' name two different resources: pass only one of "
            "them",
        ),
    ],
)
def test_an_import_of_another_form_is_refused(
    stack: cdk.Stack, arguments: dict[str, str], fault: str, refuses: Refuses
) -> None:
    with refuses() as refused:
        InferenceComponent.from_inference_component_attributes(stack, "C", **arguments)

    assert str(refused.value) == f"Test/stack/C: {fault}"


def test_an_endpoint_by_an_arn_and_the_name_of_another_is_refused(stack: cdk.Stack, refuses: Refuses) -> None:
    with refuses("endpoint_name='other' name two different resources: pass only one of them"):
        MultiReplicaEndpoint.from_endpoint_attributes(stack, "E", endpoint_arn=ENDPOINT_ARN, endpoint_name="other")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ({"endpoint_arn": "chat"}, "endpoint_arn='chat': write arn:aws:sagemaker:<region>:<account>:endpoint/<name>"),
        ({"endpoint_name": ""}, "endpoint_name='': use at most 63 letters"),
        ({"endpoint_name": "chat", "variant_name": "a b"}, "variant_name='a b': use at most 63 letters"),
        (
            {"endpoint_name": "chat", "inference_component_names": "llama"},
            "inference_component_names='llama': pass a list of names",
        ),
        (
            {"endpoint_name": "chat", "inference_component_names": ["a", "b", "a"]},
            "inference_component_names= contains 'a' twice: remove one",
        ),
        ({"endpoint_name": "chat", "inference_component_names": [5]}, "inference_component_names=5: use at most 63"),
    ],
)
def test_an_endpoint_of_another_form_is_refused(
    stack: cdk.Stack, arguments: dict[str, Any], fault: str, refuses: Refuses
) -> None:
    with refuses(r"^Test/stack/E: ") as refused:
        MultiReplicaEndpoint.from_endpoint_attributes(stack, "E", **arguments)

    assert str(refused.value).removeprefix("Test/stack/E: ").startswith(fault)


def test_a_role_of_another_account_than_the_endpoint_is_refused(home: cdk.Stack, refuses: Refuses) -> None:
    role = iam.Role.from_role_arn(home, "Role", "arn:aws:iam::123456789012:role/sm")

    with refuses(f"^Test/stack/E: endpoint_arn='{ENDPOINT_ARN}' and role='arn:.*: use resources with"):
        MultiReplicaEndpoint.from_endpoint_attributes(home, "E", endpoint_arn=ENDPOINT_ARN, role=role)


def test_a_component_by_name_and_an_endpoint_of_another_account_are_refused(
    abroad: cdk.Stack, refuses: Refuses
) -> None:
    with refuses() as refused:
        InferenceComponent.from_inference_component_name(abroad, "C", "llama", endpoint_arn=ENDPOINT_ARN)

    text = (
        f"Test/stack/C: endpoint_arn='{ENDPOINT_ARN}' is in the account 210987654321, but the stack is in 123456789012"
    )
    assert str(refused.value).startswith(text)


def test_a_component_is_not_placed_on_an_endpoint_of_another_account(abroad: cdk.Stack, refuses: Refuses) -> None:
    endpoint = MultiReplicaEndpoint.from_endpoint_arn(abroad, "E", ENDPOINT_ARN)
    specification = CopySpecification(model_name="model", accelerators=1, cpus=4, memory_mib=1024)

    with refuses(r"^Test/stack/C: endpoint='.*' is in the account 210987654321, but the stack"):
        InferenceComponent(
            abroad, "C", endpoint=endpoint, variant_name="AllTraffic", copies=1, specifications=[specification]
        )


def test_an_endpoint_without_arn_and_name_is_refused(stack: cdk.Stack, refuses: Refuses) -> None:
    with refuses(r"^Test/stack/E: neither endpoint_arn= nor endpoint_name= is given: pass at"):
        MultiReplicaEndpoint.from_endpoint_attributes(stack, "E")


def test_names_and_arns_may_be_tokens(stack: cdk.Stack) -> None:
    name = cdk.CfnParameter(stack, "Name").value_as_string
    arn = cdk.CfnParameter(stack, "Arn").value_as_string

    by_name = InferenceComponent.from_inference_component_name(stack, "A", name, endpoint_name=name)
    by_arn = InferenceComponent.from_inference_component_arn(stack, "B", arn, endpoint_name="chat")
    endpoint = MultiReplicaEndpoint.from_endpoint_arn(stack, "E", arn)

    assert stack.resolve(by_name.inference_component_name) == {"Ref": "Name"}
    last = {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Arn"}]}]}
    assert stack.resolve(by_arn.inference_component_name) == last
    assert stack.resolve(endpoint.endpoint_name) == last
    region = {"Fn::Select": [3, {"Fn::Split": [":", {"Ref": "Arn"}]}]}
    assert region in stack.resolve(by_arn.invocation_arns[1])["Fn::Join"][1]


@pytest.mark.parametrize(
    ("act", "what"),
    [
        (lambda c: c.auto_scale_copies(min_copies=1, max_copies=2), "a scalable target"),
        (lambda c: c.add_adapter("sql", artifact_url="s3://b/sql/"), "an adapter"),
    ],
)
def test_nothing_is_added_to_a_component_from_another_account(
    abroad: cdk.Stack, act: Any, what: str, refuses: Refuses
) -> None:
    component = InferenceComponent.from_inference_component_arn(abroad, "C", ARN, endpoint_name="chat")

    with refuses() as refused:
        act(component)

    assert str(refused.value) == (
        f"Test/stack/C: {what} must be in the account of its component, 210987654321, but the stack is in "
        "123456789012: define it in a stack in 210987654321"
    )


def test_nothing_is_added_to_a_component_from_another_region(context: dict[str, Any], refuses: Refuses) -> None:
    environment = cdk.Environment(account="210987654321", region="us-west-2")
    stack = cdk.Stack(stage(context), "stack", env=environment)
    component = InferenceComponent.from_inference_component_arn(stack, "C", ARN)

    with refuses("must be in the region of its component, eu-west-1, but the stack is in us-"):
        component.auto_scale_copies(min_copies=1, max_copies=2)


def test_an_adapter_needs_the_endpoint_of_its_base(home: cdk.Stack, refuses: Refuses) -> None:
    component = InferenceComponent.from_inference_component_arn(home, "C", ARN)

    with refuses(r"this import does not name the endpoint: pass endpoint_name= or endpoint_arn="):
        component.add_adapter("sql", artifact_url="s3://bucket/sql/")


def test_what_is_imported_has_no_removal_policy(home: cdk.Stack, refuses: Refuses) -> None:
    component = InferenceComponent.from_inference_component_arn(home, "C", ARN)
    endpoint = MultiReplicaEndpoint.from_endpoint_arn(home, "E", ENDPOINT_ARN)

    with refuses(r"^Test/stack/C: this stack does not own the imported component: set the removal policy RETAIN"):
        component.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
    with refuses(r"^Test/stack/E: this stack does not own the imported endpoint: set the removal policy RETAIN"):
        endpoint.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
