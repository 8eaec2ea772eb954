"""IAM policies in a template: policies of roles, and policies of buckets, repositories and keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from replicas.endpoint.access import GENERATED, Condition, Policy, Protected, Statement
from replicas.endpoint.identity import Subject
from replicas.endpoint.values import Reference, Unknown, Value, at, list_of, text_of
from replicas.names import ResourceType
from replicas.template.creation import CreationOrder
from replicas.template.resources import Resource, Resources, text_in

_ATTACHED = (ResourceType.POLICY, ResourceType.MANAGED_POLICY, ResourceType.ROLE_POLICY)


class AttachedPolicies:
    """The policies of a template that are separate resources, by the roles to which they are attached."""

    def __init__(self, resources: Resources, order: CreationOrder) -> None:
        """Read all policies once, because a template can have hundreds of roles."""
        self._resources = resources
        self._order = order
        self._by_holder: dict[str, list[Resource]] = {}
        for policy in resources.of_type(*_ATTACHED):
            for holder in [*list_of(policy.get("Roles")), policy.get("RoleName")]:
                name = holder.logical_id if isinstance(holder, Reference) else holder
                if isinstance(name, str):
                    self._by_holder.setdefault(name, []).append(policy)

    def of(self, role: Resource, managed: Sequence[Reference]) -> Iterator[Policy]:
        """Yield the inline policies of a role, and the policies that the template defines and attaches to it.

        `managed` are the template's managed policies that the role itself names. They are created before the role.
        """
        subject = Subject(kind="role", name=role.logical_id)
        for inline in list_of(role.get("Policies")):
            yield Policy(subject=subject, statements=tuple(statements_of(_document(inline))))
        named = [self._resources.get(policy.logical_id) for policy in managed]
        for policy in filter(None, named):
            yield _attached(policy, None)
        name = role.get("RoleName")
        holders = {role.logical_id, *([name] if isinstance(name, str) else ())}
        by_id = {policy.logical_id: policy for holder in holders for policy in self._by_holder.get(holder, ())}
        for policy in by_id.values():
            if policy not in named:
                yield _attached(policy, self._order.after(policy.logical_id))


def _attached(policy: Resource, created_before: frozenset[Subject] | None) -> Policy:
    return Policy(
        subject=Subject(kind="policy", name=policy.logical_id),
        statements=tuple(statements_of(_document(policy.properties))),
        exists=policy.condition,
        created_before=created_before,
    )


def boundary_of(role: Resource, resources: Resources) -> Policy | None:
    """Return the permissions boundary of a role, if the template defines this boundary; otherwise None."""
    given = role.get("PermissionsBoundary")
    policy = resources.get(given.logical_id) if isinstance(given, Reference) else None
    return _attached(policy, None) if policy is not None else None


def protected_in(resources: Resources) -> Iterator[Protected]:
    """Yield the buckets, repositories and keys of the template, with their policies."""
    policies: dict[str, list[Value]] = {}
    aliases = aliases_of(resources)
    for policy in resources.of_type(ResourceType.BUCKET_POLICY):
        bucket = policy.get("Bucket")
        if isinstance(bucket, Reference | str):
            name = bucket.logical_id if isinstance(bucket, Reference) else bucket
            policies.setdefault(name, []).append(policy.get("PolicyDocument"))
    for bucket in resources.of_type(ResourceType.BUCKET):
        documents = [*policies.get(bucket.logical_id, ()), *policies.get(text_of(bucket.get("BucketName")), ())]
        yield _protected(bucket, documents, aliases, key=_bucket_key(bucket))
    for repository in resources.of_type(ResourceType.REPOSITORY):
        yield _protected(repository, [repository.get("RepositoryPolicyText")], aliases)
    for key in resources.of_type(ResourceType.KEY):
        yield _protected(key, [key.get("KeyPolicy")], aliases)


def aliases_of(resources: Resources) -> dict[str, str]:
    """Return the values of attributes of buckets, repositories, keys and roles, as texts.

    The keys are the placeholders of these attributes.

    Two texts that name one resource in different ways become equal when the placeholders in them are replaced.
    """
    here = "${AWS::Region}:${AWS::AccountId}"
    aliases: dict[str, str] = {}
    for bucket in resources.of_type(ResourceType.BUCKET):
        name = _name(bucket, "BucketName", aliases)
        aliases[f"${{{bucket.logical_id}.Arn}}"] = f"arn:${{AWS::Partition}}:s3:::{name}"
    for repository in resources.of_type(ResourceType.REPOSITORY):
        name = _name(repository, "RepositoryName", aliases)
        aliases[f"${{{repository.logical_id}.Arn}}"] = f"arn:${{AWS::Partition}}:ecr:{here}:repository/{name}"
        host = "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}"
        aliases[f"${{{repository.logical_id}.RepositoryUri}}"] = f"{host}/{name}"
    for key in resources.of_type(ResourceType.KEY):
        name = f"{GENERATED}{key.logical_id}}}"
        aliases[f"${{{key.logical_id}}}"] = name
        aliases[f"${{{key.logical_id}.Arn}}"] = f"arn:${{AWS::Partition}}:kms:{here}:key/{name}"
    for group in resources.of_type(ResourceType.LOG_GROUP):
        name = _name(group, "LogGroupName", aliases)
        aliases[f"${{{group.logical_id}.Arn}}"] = f"arn:${{AWS::Partition}}:logs:{here}:log-group:{name}:*"
    for role in resources.of_type(ResourceType.ROLE):
        name = _name(role, "RoleName", aliases)
        arn = f"arn:${{AWS::Partition}}:iam::${{AWS::AccountId}}:role/{name}"
        aliases[f"${{{role.logical_id}.Arn}}"] = arn
    return aliases


def statements_of(document: Value) -> Iterator[Statement]:
    """Yield the statements of a policy document."""
    if isinstance(document, Unknown):
        yield Statement(allows=False, unknown=document)
        return
    for statement in list_of(at(document, "Statement")):
        yield _statement(statement)


def _statement(statement: Value) -> Statement:
    excluded_actions, excluded_resources = at(statement, "NotAction"), at(statement, "NotResource")
    actions = list_of(at(statement, "Action") if excluded_actions is None else excluded_actions)
    resources = list_of(at(statement, "Resource") if excluded_resources is None else excluded_resources)
    return Statement(
        allows=at(statement, "Effect") == "Allow",
        actions=tuple(action for action in actions if isinstance(action, str)),
        excludes_actions=excluded_actions is not None,
        resources=tuple(map(text_of, resources)),
        excludes_resources=excluded_resources is not None,
        known_resources=()
        if excluded_resources is not None
        else tuple(resource for resource in resources if isinstance(resource, str)),
        is_conditional=at(statement, "Condition") is not None,
        conditions=tuple(_conditions(at(statement, "Condition"))),
        principals=tuple(_principals(at(statement, "Principal"))),
        unknown=_unknown(statement, actions),
    )


def _unknown(statement: Value, actions: Sequence[Value]) -> Unknown | None:
    """Return why a statement is unknown; None if it is known. Unknown segments of texts do not make it unknown."""
    elements = [statement, at(statement, "Effect"), at(statement, "Condition"), at(statement, "Principal"), *actions]
    unknown_element = next((element for element in elements if isinstance(element, Unknown)), None)
    if unknown_element is not None:
        return unknown_element
    if at(statement, "NotPrincipal") is not None:
        return Unknown("NotPrincipal is not evaluated")
    condition = at(statement, "Condition")
    if condition is not None and not isinstance(condition, Mapping):
        return Unknown("its Condition is not an object")
    return None


def _conditions(condition: Value) -> Iterator[Condition]:
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        for key, values in keys.items() if isinstance(keys, Mapping) else ((text_of(keys), None),):
            yield Condition(operator=operator, key=key, values=tuple(map(text_of, list_of(values))))


def _principals(principal: Value) -> Iterator[str]:
    if isinstance(principal, str):
        yield principal
    for kind in ("AWS", "Service", "Federated"):
        if isinstance(principal, dict) and principal.get(kind) is not None:
            yield from map(text_of, list_of(principal[kind]))


def _document(policy: Value) -> Value:
    return at(policy, "PolicyDocument")


def _bucket_key(bucket: Resource) -> Value:
    for rule in list_of(bucket.get("BucketEncryption", "ServerSideEncryptionConfiguration")):
        key = at(rule, "ServerSideEncryptionByDefault", "KMSMasterKeyID")
        if key is not None:
            return key
    return None


def _protected(
    resource: Resource, documents: Sequence[Value], aliases: Mapping[str, str], key: Value = None
) -> Protected:
    return Protected(
        subject=Subject(kind="resource", name=resource.logical_id),
        arn=aliases[f"${{{resource.logical_id}.Arn}}"],
        statements=tuple(statement for document in documents for statement in statements_of(document)),
        key=text_in(key),
    )


def _name(resource: Resource, name_property: str, aliases: dict[str, str]) -> str:
    """Return the fixed name of a resource, or a placeholder for its generated name, and add it to `aliases`."""
    given = resource.get(name_property)
    name = f"{GENERATED}{resource.logical_id}}}" if given is None else text_of(given)
    aliases[f"${{{resource.logical_id}}}"] = name
    return name
