"""Parses the address of a container image."""

from __future__ import annotations

import re
from dataclasses import dataclass

from replicas.catalogue.images import deep_learning_accounts
from replicas.endpoint.values import Value, text_of

_ECR = re.compile(r"(?P<account>\d{12}|\$\{[^}]*\})\.dkr[.-]ecr(?:-fips)?\.[^/]+/.+", re.DOTALL)

_PLACEHOLDER = re.compile(r"\$\{[^}]*\}")


@dataclass(frozen=True, kw_only=True)
class ImageName:
    """Registry account, tag and digest of an image. A value is None if it is unknown."""

    text: str
    account: str | None
    """12 digits, or `own` for the account of the stack."""
    public: bool
    tag: str | None
    digest: bool

    @property
    def is_ones_own(self) -> bool:
        """True if the image certainly comes from an account that does not belong to AWS."""
        return self.account is not None and self.account not in deep_learning_accounts()


def image_name(image: Value) -> ImageName | None:
    """Parse the address of an image; None if the registry is unknown."""
    text = text_of(image)
    name, digest = text.partition("@")[::2]
    registry = name.partition("/")[0]
    ecr = _ECR.fullmatch(name)
    if ecr:
        account = "own" if ecr["account"] == "${AWS::AccountId}" else ecr["account"]
        account = None if account.startswith("${") else account
    elif ".RepositoryUri}" in registry:
        account = "own"
    elif "${" in registry or "{{resolve:" in text or not registry:
        return None
    else:
        account = None
    last = _PLACEHOLDER.sub("", name.rpartition("/")[2])  # an unresolved `${...}` may contain colons
    tag = last.rpartition(":")[2] if ":" in last else None
    return ImageName(text=text, account=account, public=not ecr and account is None, tag=tag, digest=bool(digest))
