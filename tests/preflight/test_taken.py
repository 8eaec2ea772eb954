"""Fixed names: free, the stack's own, taken by somebody else, or in the way of a replacement."""

from __future__ import annotations

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from replicas.aws.session import Aws
from replicas.preflight.checks import Checked, State
from replicas.preflight.needs import declared_in
from replicas.preflight.room import Live
from replicas.preflight.taken import NAMINGS, name_checks

ABSENT = {
    "sagemaker": ("ValidationException", 'Could not find endpoint "x".'),
    "cloudwatch": ("ResourceNotFound", "Dashboard x does not exist"),
    "iam": ("NoSuchEntity", "The role with name x cannot be found."),
    "s3": ("404", "Not Found"),
}


class Account:
    """Names that exist, by the property that gives them; every other call says that there is none."""

    region = "us-west-2"

    def __init__(self, *names: str, refuses: bool = False) -> None:
        self.names, self.refuses = set(names), refuses

    def client(self, service: str) -> Any:
        return _Client(service, self)


class _Client:
    def __init__(self, service: str, account: Account) -> None:
        self._service, self._account = service, account

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> dict[str, Any]:
            if self._account.refuses:
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, operation)
            (name,) = {str(value) for value in arguments.values()}
            if name not in self._account.names:
                code, message = ABSENT[self._service]
                raise ClientError({"Error": {"Code": code, "Message": message}}, operation)
            return {}

        return call

    def describe_alarms(self, **arguments: Any) -> dict[str, Any]:
        return {"MetricAlarms": [name for name in arguments["AlarmNames"] if name in self._account.names]}

    def get_paginator(self, _: str) -> Any:
        account = self._account

        class Pages:
            def paginate(self, logGroupNamePrefix: str) -> Any:  # noqa: N803 (the API's name)
                names = [name for name in account.names if name.startswith(logGroupNamePrefix)]
                return [{"logGroups": [{"logGroupName": name} for name in names]}]

        return Pages()


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def checked(account: Account, resources: dict[str, Any], live: Live | None = None) -> list[Checked]:
    declared = declared_in({"Resources": resources}, "us-west-2")
    return list(name_checks(cast("Aws", account), "chat", "123456789012", declared, live))


@pytest.mark.parametrize("kind", NAMINGS)
def test_a_name_that_exists_elsewhere_is_taken(kind: str) -> None:
    resources = {"X": resource(kind, **{NAMINGS[kind].property: "fixed"})}
    (taken,) = checked(Account("fixed"), resources)
    assert (taken.what, taken.state) == (f"{NAMINGS[kind].label} fixed", State.FAULT)
    assert "already has the name" in taken.said
    (free,) = checked(Account("fixed-too"), resources)
    assert (free.state, free.said) == (State.OK, "the name is free")


ENDPOINT = "AWS::SageMaker::Endpoint"
CONFIG = "AWS::SageMaker::EndpointConfig"


def live_with(resources: dict[str, Any], **names: str) -> Live:
    return Live("UPDATE_COMPLETE", {"Resources": resources}, names, {}, {})


def test_an_endpoint_under_its_fixed_name_is_the_stacks_own() -> None:
    resources = {"E": resource(ENDPOINT, EndpointName="fixed", EndpointConfigName="c")}
    (own,) = checked(Account("fixed"), resources, live_with(resources, E="fixed"))
    assert (own.state, own.said) == (State.OK, "the name belongs to this stack")


def test_an_endpoint_that_gets_a_fixed_name_must_find_it_free() -> None:
    before = {"E": resource(ENDPOINT, EndpointConfigName="c")}
    after = {"E": resource(ENDPOINT, EndpointName="fixed", EndpointConfigName="c")}
    (taken,) = checked(Account("fixed"), after, live_with(before, E="generated"))
    assert taken.state is State.FAULT
    (free,) = checked(Account(), after, live_with(before, E="generated"))
    assert free.state is State.OK


def test_a_name_cannot_move_to_another_logical_id() -> None:
    before = {"E": resource(ENDPOINT, EndpointName="fixed", EndpointConfigName="c")}
    after = {"F": resource(ENDPOINT, EndpointName="fixed", EndpointConfigName="c")}
    (moved,) = checked(Account("fixed"), after, live_with(before, E="fixed"))
    assert (moved.state, moved.said) == (
        State.FAULT,
        "the stack uses it for E, and CloudFormation creates F before it deletes E",
    )


def test_a_resource_cannot_be_replaced_under_its_own_name() -> None:
    def config(count: int) -> dict[str, Any]:
        variants = [{"VariantName": "v", "InstanceType": "ml.g5.xlarge", "InitialInstanceCount": count}]
        return {"C": resource(CONFIG, EndpointConfigName="fixed", ProductionVariants=variants)}

    (replaced,) = checked(Account("fixed"), config(2), live_with(config(1), C="fixed"))
    assert replaced.state is State.FAULT
    assert "cannot replace a resource with a fixed name" in replaced.said
    (kept,) = checked(Account("fixed"), config(1), live_with(config(1), C="fixed"))
    assert kept.state is State.OK


def test_generated_names_are_not_asked_for() -> None:
    assert checked(Account(refuses=True), {"E": resource(ENDPOINT, EndpointConfigName="c")}) == []


def test_a_name_of_the_stack_is_known_and_one_of_a_parameter_is_not() -> None:
    (taken,) = checked(Account("chat-e"), {"E": resource(ENDPOINT, EndpointName={"Fn::Sub": "${AWS::StackName}-e"})})
    assert (taken.what, taken.state) == ("endpoint chat-e", State.FAULT)
    (unknown,) = checked(Account(), {"E": resource(ENDPOINT, EndpointName={"Ref": "Name"})})
    assert unknown.state is State.UNKNOWN


def test_a_call_that_is_not_allowed_is_unknown() -> None:
    (unknown,) = checked(Account(refuses=True), {"E": resource(ENDPOINT, EndpointName="fixed")})
    assert unknown.state is State.UNKNOWN
