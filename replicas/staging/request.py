"""Staging in one call, from a model name, an S3 URL, and the location of a Hub token."""

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
    """Parameters of a staging."""

    model: str
    """Hub repository, or short name of a model in the catalogue."""
    destination: str
    """`s3://bucket/prefix/`."""
    region: str | None = None
    revision: str | None = None
    """Branch, tag or commit. Default: the main branch."""
    token_env: str | None = None
    """Environment variable that contains a Hugging Face token."""
    token_secret: str | None = None
    """Secrets Manager secret whose string is a Hugging Face token."""
    kms_key: str | None = None
    """KMS key that encrypts the weights. Default: the bucket's encryption."""
    include: tuple[str, ...] = ()
    """Patterns of additional files to stage."""
    exclude: tuple[str, ...] = ()
    """Patterns of files not to stage."""
    replace: bool = False
    """Replace the files that an earlier run staged under the prefix."""


@dataclass(frozen=True)
class PreparedStaging:
    """A staging that is ready to run. All checks are done, and nothing is changed yet."""

    aws: Aws
    hub: Hub
    staging: Staging

    def run(
        self,
        *,
        progress: Progress = lambda _path, _bytes: None,
        tell: Callable[[str], None] = lambda _line: None,
    ) -> Manifest:
        """Copy the missing files and write the manifest. A second run continues after an interruption.

        Raises:
            OperationError: the hash of a file differs from the Hub's.
            HubError: a file cannot be read completely.

        """
        return stage(self.aws, self.hub, self.staging, progress=progress, tell=tell)


def prepare_staging(request: StagingRequest) -> PreparedStaging:
    """Resolve the commit, choose the files and check the bucket.

    Raises:
        UsageError: two tokens are given, or the environment variable is empty.
        OperationError: the bucket, secret or repository cannot be used, or the prefix has other objects.

    """
    if request.token_env is not None and request.token_secret is not None:
        raise UsageError("--token-env and --token-secret exclude each other: remove one of them")
    destination = parse_destination(request.destination)
    aws = Aws(request.region)
    hub = Hub(_token(aws, request), access_hint="pass it with --token-env VARIABLE or --token-secret NAME")
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
    """Copy the weights of a model's main branch to an S3 prefix.

    Raises the exceptions of `prepare_staging` and `PreparedStaging.run`.
    """
    request = StagingRequest(model=model, destination=destination, region=region, token_env=token_env)
    return prepare_staging(request).run()


def end_unfinished_uploads(destination: str, *, region: str | None = None) -> tuple[Destination, int]:
    """Abort the multipart uploads that an interrupted run left under a prefix; return the prefix and their number."""
    place = parse_destination(destination)
    return place, end_uploads(Aws(region), place)


def _token(aws: Aws, request: StagingRequest) -> str | None:
    if request.token_env is not None:
        token = os.environ.get(request.token_env, "")
        if not token.strip():
            raise UsageError(f"--token-env {request.token_env}: the environment variable is not set, or is empty")
        return token
    if request.token_secret is not None:
        secret = request.token_secret
        text = aws.client("secretsmanager").get_secret_value(SecretId=secret).get("SecretString")
        if text is None:
            raise OperationError(f"secret {secret} contains no string: store the token as its string")
        return text
    return None


def _repository(model: str) -> str:
    """Return the repository for a short name in the catalogue. Any other name is returned unchanged."""
    try:
        return find_model(model).id
    except LookupError:
        return model
