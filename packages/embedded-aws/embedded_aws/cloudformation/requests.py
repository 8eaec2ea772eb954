"""The desired state of a stack from a request: template, parameters, tags and options."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from botocore.exceptions import ClientError

from embedded_aws.cloudformation.checks import check_capabilities, check_template
from embedded_aws.cloudformation.desired import evaluation_of
from embedded_aws.cloudformation.errors import invalid
from embedded_aws.cloudformation.parameters import check_rules, resolve
from embedded_aws.cloudformation.registry import Registry
from embedded_aws.cloudformation.state import DesiredState, Stack
from embedded_aws.cloudformation.template import Template, read
from embedded_aws.evidence import ASSUMED, documented
from embedded_aws.service import Parameters
from replicas.endpoint.values import Reference

_LONGEST_BODY_BYTES = 51_200
_OPTIONS = ("Capabilities", "RoleARN", "NotificationARNs", "RollbackConfiguration")


def desired_of(registry: Registry, params: Parameters, stack: Stack) -> DesiredState:
    """Return the desired state of a stack from a request.

    Tags and options that the request omits keep their deployed values. A parameter keeps its value only with
    UsePreviousValue.
    """
    template = template_of(registry, params, stack)
    check_capabilities(template, params.get("Capabilities") or [])
    before = stack.desired
    parameters = resolve(
        template,
        params.get("Parameters") or [],
        before.parameters,
        lambda names: _ssm_values(registry, names),
    )
    tags = {tag["Key"]: tag["Value"] for tag in params["Tags"]} if params.get("Tags") is not None else before.tags
    options = {**before.options, **{key: params[key] for key in _OPTIONS if params.get(key) is not None}}
    desired = DesiredState(template, parameters, dict(tags), options)
    evaluation = evaluation_of(
        desired, stack, registry.surroundings.region, lookup=Reference, imported=lambda name: name
    )
    check_rules(template, evaluation)
    evaluation.present()
    return desired


def template_of(registry: Registry, params: Parameters, stack: Stack | None) -> Template:
    """Return the template of a request: TemplateBody, the object at TemplateURL, or the deployed template."""
    body, url = params.get("TemplateBody"), params.get("TemplateURL")
    sources = [source for source in (body, url, params.get("UsePreviousTemplate")) if source]
    if len(sources) != 1:
        raise invalid(
            "Either Template URL or Template Body must be specified.",
            documented("CloudFormation API: CreateStack, TemplateBody and TemplateURL"),
        )
    if params.get("UsePreviousTemplate"):
        if stack is None or not stack.desired.template.body:
            raise invalid("Template must be specified: there is no previous one", ASSUMED)
        return stack.desired.template
    if body and len(str(body).encode()) > _LONGEST_BODY_BYTES:
        raise invalid(
            "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have "
            f"length less than or equal to {_LONGEST_BODY_BYTES}",
            documented("CloudFormation API: CreateStack, TemplateBody"),
        )
    template = read(str(body) if body else _fetch(registry, str(url)))
    check_template(template, registry.surroundings.region)
    return template


def _ssm_values(registry: Registry, names: list[str]) -> Mapping[str, str]:
    answer = registry.surroundings.client("ssm").get_parameters(Names=names, WithDecryption=False)
    return {
        name: parameter["Value"]
        for parameter in answer["Parameters"]
        for name in (parameter["Name"], parameter.get("ARN"))
        if name
    }


def _fetch(registry: Registry, url: str) -> str:
    bucket, key = bucket_and_key(url, registry.surroundings.endpoint_url)
    try:
        body: bytes = registry.surroundings.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        raise invalid(f"S3 error: {error.response['Error']['Message']}", ASSUMED) from None
    return body.decode()


def bucket_and_key(url: str, endpoint_url: str) -> tuple[str, str]:
    """Return the bucket and key of an S3 URL, path-style or virtual-hosted-style."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    own = urlsplit(endpoint_url).hostname or ""
    virtual = re.match(r"(?P<bucket>.+?)\.s3[.-]", host)
    if virtual:
        bucket, key = virtual.group("bucket"), path
    elif own and host.endswith(f".{own}") and not _is_address(host):
        bucket, key = host.removesuffix(f".{own}"), path
    else:
        bucket, _, key = path.partition("/")
    if parts.scheme not in ("http", "https") or not bucket or not key:
        raise invalid("TemplateURL must reference a valid S3 object to which you have access.", ASSUMED)
    return bucket, key


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def plain(params: Parameters, *names: str) -> dict[str, Any]:
    """Return the named request parameters that are present."""
    return {name: params[name] for name in names if params.get(name) is not None}
