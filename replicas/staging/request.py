"""Staging in one call: a model by its name, a prefix of S3 by its URL, and a token by where it is kept."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from replicas.aws.session import Aws
from replicas.catalogue.hub import Hub
from replicas.catalogue.models import find_model
from replicas.errors import OperationError, UsageError
from replicas.staging.bucket import Destination, parse_destination
from replicas.staging.manifest import Manifest
from replicas.staging.staging import Staging, end_uploads, prepare, stage
from replicas.staging.upload import Progress


@dataclass(frozen=True, kw_only=True)
class StagingRequest:
    """What is staged where."""

    model: str
    """A repository of the Hub, or a model of the table."""
    destination: str
    """`s3://bucket/prefix/`."""
    region: str | None = None
    revision: str | None = None
    """Branch, tag or commit. Default: the main branch."""
    token_env: str | None = None
    """Environment variable that holds a Hugging Face token."""
    token_secret: str | None = None
    """Secrets Manager secret whose string is such a token."""
    kms_key: str | None = None
    """Key that encrypts the weights. Default: as the bucket does."""
    include: tuple[str, ...] = ()
    """Patterns of files that are staged too."""
    exclude: tuple[str, ...] = ()
    """Patterns of files that are left out."""
    replace: bool = False
    """Replace what an earlier run staged under the prefix."""


@dataclass(frozen=True)
class PreparedStaging:
    """A staging that can begin: everything is looked up, nothing is changed."""

    aws: Aws
    hub: Hub
    staging: Staging

    def run(
        self,
        *,
        progress: Progress = lambda _path, _bytes: None,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> Manifest:
        """Copy the files that are missing, and write the manifest. Run again after an interruption, it continues.

        Raises:
            OperationError: a file whose hash is not the Hub's.
            HubError: a file that cannot be read to its end.

        """
        return stage(self.aws, self.hub, self.staging, progress=progress, tell=tell)


def prepare_staging(request: StagingRequest) -> PreparedStaging:
    """Resolve the commit, choose the files and check the bucket.

    Raises:
        UsageError: two tokens are given, or the variable of one is empty.
        OperationError: the bucket, the secret or the repository cannot be used, or the prefix holds something else.

    """
    if request.token_env is not None and request.token_secret is not None:
        raise UsageError("--token-env and --token-secret both give a token: one of them")
    destination = parse_destination(request.destination)
    aws = Aws(request.region)
    hub = Hub(_token(aws, request))
    staging = prepare(
        aws,
        hub,
        _repository(request.model),
        destination,
        revision=request.revision,
        kms_key=request.kms_key,
        include=request.include,
        exclude=request.exclude,
        replace_other=request.replace,
    )
    return PreparedStaging(aws, hub, staging)


def stage_weights(model: str, destination: str, *, region: str | None = None, token_env: str | None = None) -> Manifest:
    """Copy the weights of a model's main branch to a prefix of S3; raises as `prepare_staging` and `run` do."""
    request = StagingRequest(model=model, destination=destination, region=region, token_env=token_env)
    return prepare_staging(request).run()


def end_unfinished_uploads(destination: str, *, region: str | None = None) -> tuple[Destination, int]:
    """End the uploads that an interrupted run left under a prefix; return the prefix and their number."""
    place = parse_destination(destination)
    return place, end_uploads(Aws(region), place)


def _token(aws: Aws, request: StagingRequest) -> str | None:
    if request.token_env is not None:
        token = os.environ.get(request.token_env, "")
        if not token.strip():
            raise UsageError(f"--token-env {request.token_env}: there is no such variable, or it is empty")
        return token
    if request.token_secret is not None:
        secret = request.token_secret
        found = aws.client("secretsmanager").get_secret_value(SecretId=secret).get("SecretString")
        if found is None:
            raise OperationError(f"secret {secret} holds no string: its string must be the token itself")
        return found
    return None


def _repository(model: str) -> str:
    """Return the repository of a short name of the table; any other name is a repository already."""
    try:
        return find_model(model).id
    except LookupError:
        return model
