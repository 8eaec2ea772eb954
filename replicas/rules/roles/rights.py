"""Rules about rights that an execution role lacks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replicas.endpoint.topology import Topology
from replicas.endpoint.values import Unknown
from replicas.names import SAGEMAKER_PRINCIPAL
from replicas.rules.declaration import enforced_by, rule
from replicas.rules.finding import Case, Unjudged
from replicas.rules.latest import kept_for_latest
from replicas.rules.roles.conditions import Request
from replicas.rules.roles.decisions import Decider, Decision, is_readable_by_tag, may_be_assumed
from replicas.rules.roles.matching import ANY_OBJECT
from replicas.rules.roles.needs import PULL, TOKEN, WITHOUT_WHICH_PULLS_WORK, Need, Purpose, needs_of

_GUIDE = "SageMaker developer guide, execution roles, CreateModel API"
_CANNOT_READ = (
    "'Could not access model data at {location}. Please ensure that the role {role} exists and that its trust "
    'relationship policy allows the action "sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also '
    'ensure that the role has "s3:GetObject" permissions and that the object is located in {region}. If your Model '
    'uses multiple models or uncompressed models, please ensure that the role has "s3:ListBucket" permission.\' '
    "(philschmid/llm-sagemaker-sample, issue 2)"
)
SOURCE_CONTEXT = {
    "aws:sourceaccount": "${AWS::AccountId}",
    "aws:sourcearn": "arn:${AWS::Partition}:sagemaker:${AWS::Region}:${AWS::AccountId}:*",
}
"""Context keys of the request with which SageMaker hosting assumes a role (developer guide, cross-service confused
deputy prevention, SageMaker AI Inference). The `*` at the end of the ARN is an ordinary character, not a wildcard."""


@dataclass(frozen=True, kw_only=True)
class _Judged:
    """Actions that a role needs for one purpose, each with the decision whether the role allows it."""

    need: Need
    decisions: dict[str, Decision]

    def actions(self, *outcomes: str) -> list[str]:
        return [action for action, decision in self.decisions.items() if decision.outcome in outcomes]


@rule(
    "role-not-assumable",
    checks="SageMaker has no permission to assume an execution role.",
    why="without this role SageMaker refuses the model or fails to start the endpoint",
    source="SageMaker developer guide, execution roles; the trust policy is the same for all of them",
    enforced=enforced_by(
        "CreateModel",
        "quoted",
        "'Could not assume role {role}. Please ensure that the role exists and allows principal "
        "'sagemaker.amazonaws.com' to assume the role.' (awslabs/predictive-maintenance-using-machine-learning, "
        "issue 3, CreateTransformJob)",
    ),
)
def role_not_assumable(topology: Topology) -> Iterator[Case | Unjudged]:
    """The trust policy of an execution role must allow sts:AssumeRole to sagemaker.amazonaws.com."""
    for role in topology.roles:
        verdict = may_be_assumed(role.trust, SOURCE_CONTEXT, SAGEMAKER_PRINCIPAL)
        if verdict.answer == "no":
            trusted = ", ".join(
                dict.fromkeys(principal for statement in role.trust for principal in statement.principals)
            )
            yield Case(subject=role.subject, numbers={"user": role.user.name, "trusted": trusted or "no principal"})
        elif verdict.answer == "maybe":
            question = f"whether {SAGEMAKER_PRINCIPAL} may assume the role"
            yield Unjudged(subject=role.subject, question=question, unknown=Unknown(verdict.why))


@rule(
    "role-cannot-pull",
    checks="An execution role has no permission to pull a container's image.",
    why="SageMaker pulls the image with the rights of this role: without the permission, no copy starts",
    source=f"{_GUIDE}: permissions for the image; aws/deep-learning-containers, issue 759: 'The role ... does not have "
    "BatchGetImage permission for the image'",
)
def role_cannot_pull(topology: Topology) -> Iterator[Case | Unjudged]:
    """A role must be allowed to pull the images of its models, including images in AWS's registries."""
    for judged in _judged(topology, "image"):
        lacking = judged.actions("missing", "denied")
        certain = any(action != WITHOUT_WHICH_PULLS_WORK for action in lacking)
        resources = dict(judged.need.requests)
        pulled = [action for action in lacking if action in PULL]
        statements = [f"Allow {', '.join(pulled)} on {resources[pulled[0]]}"] if pulled else []
        statements += [f"Allow {TOKEN} on *"] if TOKEN in lacking else []
        yield from _cases(judged, "to pull", statements, certain=certain)


@rule(
    "role-cannot-read",
    checks="An execution role has no permission to read the weights, or an adapter.",
    why="SageMaker reads {shown} with the rights of this role: without the permission, the resource is not created",
    source=f"{_GUIDE}: permissions for the model artifacts",
    enforced=enforced_by("CreateModel", "quoted", _CANNOT_READ),
)
def role_cannot_read(topology: Topology) -> Iterator[Case | Unjudged]:
    """A role must be allowed to read all objects of its weights and adapters, and to list a prefix."""
    for judged in _judged(topology, "weights"):
        lacking = judged.actions("missing", "denied")
        resources = dict(judged.need.requests)
        statements = [f"Allow {action} on {resources[action].replace(ANY_OBJECT, '*')}" for action in lacking]
        certain = not is_readable_by_tag(judged.need.role) or "s3:ListBucket" in lacking
        yield from _cases(judged, "to read", statements, certain=certain)


@rule(
    "role-cannot-decrypt",
    checks="An execution role has no permission to decrypt the weights, whose bucket is encrypted with a KMS key.",
    why="S3 decrypts {shown} with the rights of this role: without the permission, nothing in the bucket can be read",
    source="Amazon S3 user guide, SSE-KMS; SageMaker developer guide, execution roles: kms:Decrypt for encrypted input",
)
def role_cannot_decrypt(topology: Topology) -> Iterator[Case | Unjudged]:
    """The role's policies and the key policy must allow the role to use the key of the bucket with the weights."""
    for judged in _judged(topology, "key"):
        yield from _cases(judged, "to decrypt", _statements(judged))


@rule(
    "role-cannot-use-volume-key",
    severity="warning",
    checks="An execution role has no permission to use the KMS key of the endpoint's volumes.",
    why="SageMaker creates a KMS grant for the volume of each instance, and the key policy must allow this to the role",
    source="SageMaker API, CreateEndpointConfig, KmsKeyId; developer guide, execution roles: kms:CreateGrant for a "
    "volume key",
)
def role_cannot_use_volume_key(topology: Topology) -> Iterator[Case | Unjudged]:
    """A role should be allowed to create KMS grants for the key of the volumes."""
    for judged in _judged(topology, "volume"):
        yield from _cases(judged, "to use", _statements(judged))


@rule(
    "role-cannot-capture",
    severity="warning",
    checks="An execution role has no permission to write the prompts, answers or core dumps that its endpoint "
    "captures.",
    why="SageMaker writes to {shown} with the rights of this role",
    source="SageMaker developer guide, data capture and asynchronous endpoints: permissions of the role",
)
def role_cannot_capture(topology: Topology) -> Iterator[Case | Unjudged]:
    """A role should be allowed to write objects to the capture locations of its endpoint."""
    for judged in _judged(topology, "capture"):
        statements = [statement.replace(ANY_OBJECT, "*") for statement in _statements(judged)]
        yield from _cases(judged, "to write to", statements)


@rule(
    "role-cannot-join-vpc",
    checks="An execution role has no permission to create, describe or delete network interfaces, although its model "
    "or endpoint is in a VPC.",
    why="SageMaker connects the containers to the VPC with the rights of this role",
    source=f"{_GUIDE}: permissions for a private VPC",
)
def role_cannot_join_vpc(topology: Topology) -> Iterator[Case | Unjudged]:
    """A role must be allowed to create, describe and delete network interfaces if there is a VpcConfig."""
    for judged in _judged(topology, "network"):
        lacking = judged.actions("missing", "denied")
        certain = "ec2:CreateNetworkInterface" in lacking
        yield from _cases(judged, "for", [f"Allow {', '.join(lacking)} on *"], certain=certain)


@rule(
    "role-cannot-log",
    severity="warning",
    checks="An execution role has no permission to write the logs of the containers, or the metrics of the instances.",
    why="the endpoint runs, but no log shows why a container fails and no metric shows its load",
    source=f"{_GUIDE}: permissions for logs and metrics; aws-samples/host-yolov8-on-sagemaker-endpoint, pull request "
    "26: metrics of the instances need cloudwatch:PutMetricData",
)
def role_cannot_log(topology: Topology) -> Iterator[Case | Unjudged]:
    """A role should be allowed to write logs and metrics."""
    for purpose in ("logs", "metrics"):
        for judged in _judged(topology, purpose):
            lacking = judged.actions("missing", "denied")
            where = f"log-group:{judged.need.shown}*" if purpose == "logs" else "*"
            yield from _cases(judged, "to write", [f"Allow {', '.join(lacking)} on {where}"])


@rule(
    "rights-too-late",
    checks="A model does not depend on a separate policy that its role needs.",
    why="CloudFormation creates the policy and the model at the same time, and the model fails if its role does not "
    "have the rights yet",
    source="aws/aws-cdk, issue 10064; awslabs/aiops-modules, pull request 420",
)
def rights_too_late(topology: Topology) -> Iterator[Case]:
    """A model must depend on the policies of its role that are separate resources.

    The fault is certain only for a policy that allows reading weights in S3, because CreateModel reads them
    immediately.
    """
    late: dict[tuple[str, str], Case] = {}
    for purpose in ("weights", "key", "image", "network"):
        for judged in _judged(topology, purpose):
            need = judged.need
            for decision in judged.decisions.values():
                policy = decision.policy
                if decision.outcome != "allowed" or policy is None or policy.precedes(need.user):
                    continue
                case = Case(
                    subject=need.user,
                    numbers={"policy": policy.subject.name, "role": need.role.subject.name, "purpose": _NOUNS[purpose]},
                    certain=purpose in ("weights", "key"),
                )
                late.setdefault((need.user.name, policy.subject.name), case)
    yield from late.values()


_NOUNS: dict[Purpose, str] = {
    "image": "the image",
    "weights": "the weights",
    "key": "the key of the weights",
    "network": "the VPC",
}


def _judged(topology: Topology, purpose: Purpose) -> Iterator[_Judged]:
    return (judged for judged in _all_judged(topology) if judged.need.purpose == purpose)


@kept_for_latest
def _all_judged(topology: Topology) -> Iterator[_Judged]:
    decider = Decider(topology)
    for need in needs_of(topology, decider):
        decisions = {
            action: decider.decide(need.role, Request(action=action, resource=arn, context=need.context), need.user)
            for action, arn in need.requests
        }
        yield _Judged(need=need, decisions=decisions)


def _statements(judged: _Judged) -> list[str]:
    resources = dict(judged.need.requests)
    return [f"Allow {action} on {resources[action]}" for action in judged.actions("missing", "denied")]


def _cases(judged: _Judged, verb: str, statements: list[str], *, certain: bool = True) -> Iterator[Case | Unjudged]:
    need, denied = judged.need, judged.actions("denied")
    numbers = {"user": need.user.name, "shown": need.shown, "statement": "; ".join(statements)}
    if denied:
        policies = {decision.policy.subject.name for decision in judged.decisions.values() if decision.policy}
        numbers |= {"actions": ", ".join(denied), "policy": " and ".join(sorted(policies))}
        yield Case(subject=need.role.subject, kind="denied", numbers=numbers, certain=certain)
    elif lacking := judged.actions("missing"):
        keys = {d.policy.subject.name for a in lacking if (d := judged.decisions[a]).policy is not None}
        numbers |= {"actions": ", ".join(lacking), "key": " and ".join(sorted(keys))}
        kind = "key policy" if keys else ""
        yield Case(subject=need.role.subject, kind=kind, numbers=numbers, certain=certain)
    question = f"whether the role has the permissions {verb} {need.shown}"
    unknown = judged.actions("unknown")
    if unknown:
        why = judged.decisions[unknown[0]].why
        question = f"whether the role has {', '.join(unknown)} {verb} {need.shown}"
        yield Unjudged(subject=need.role.subject, question=question, unknown=Unknown(why))
    elif need.unknown:
        yield Unjudged(subject=need.role.subject, question=question, unknown=Unknown(need.unknown))
