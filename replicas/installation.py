"""Reads how this project was installed, and builds the pip command that adds one of its extras."""

from __future__ import annotations

import json
import shlex
import sysconfig
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import unquote, urlsplit

__version__ = "0.1.0"

DISTRIBUTION: Final = "sagemaker-replicas"
EMBEDDED_AWS: Final = "embedded-aws"
"""Distribution that the extra `local` installs. Its source is in the same repository as this project."""
EMBEDDED_AWS_FOLDER: Final = "packages/embedded-aws"
"""Folder of `EMBEDDED_AWS` in the repository."""

PACKAGES: Final = ("embedded_aws", "replicas", "replicas_cdk", "stacks")
"""Top-level packages of the repository."""
EXTRA_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        "aws_cdk": "cdk",
        "boto3": "aws",
        "botocore": "aws",
        "constructs": "cdk",
        "embedded_aws": "local",
        "jsii": "cdk",
        "locust": "benchmark",
        "matplotlib": "benchmark",
        "ortools": "fleet",
        "tenacity": "aws",
    }
)
"""Extra that installs a module, by the top-level name of the module."""


def missing_module(name: str) -> str:
    """Return a one-line message about a module that is not installed: its extra, and the command that installs it.

    Args:
        name: top-level module, a key of `EXTRA_OF`.

    """
    extra = EXTRA_OF[name]
    return f"{name} is not installed. The extra `{extra}` of {DISTRIBUTION} contains it: {how_to_install(extra)}"


def how_to_install(extra: str) -> str:
    """Return the command that adds an extra to this installation, from the source of this installation.

    Installers record the source in direct_url.json (PEP 610) if it is a checkout, a file or a repository, but not if it
    is a package index.
    """
    origin = _origin()
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        source = f"{vcs['vcs']}+{origin['url']}@{vcs['commit_id']}"
        words = [shlex.quote(f"{DISTRIBUTION}[{extra}] @ {source}")]
        embedded = shlex.quote(f"{EMBEDDED_AWS} @ {source}#subdirectory={EMBEDDED_AWS_FOLDER}")
    elif "dir_info" in origin:
        checkout = _path(origin)
        words = [shlex.quote(f"{checkout}[{extra}]")]
        embedded = shlex.quote(str(checkout / EMBEDDED_AWS_FOLDER))
    elif origin.get("url", "").startswith("file:"):
        wheel = _path(origin)
        words = [shlex.quote(f"{wheel}[{extra}]")]
        embedded = f"{shlex.quote(str(wheel.parent))}/embedded_aws-*.whl"
    else:
        return "install the extra from the same checkout, wheel or git+URL as this project"
    if extra == "local":
        words.append(embedded)
    option = "-e " if origin.get("dir_info", {}).get("editable") else ""
    return "pip install " + " ".join(f"{option}{word}" for word in words)


def editable_paths() -> list[str]:
    """Return the checkout folders from which Python imports this repository's packages (editable installs)."""
    specs = [spec for package in PACKAGES if (spec := find_spec(package)) is not None]
    folders = {str(Path(location).parent) for spec in specs for location in spec.submodule_search_locations or ()}
    return sorted(folders - {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")})


def _origin() -> dict[str, Any]:
    from importlib.metadata import Distribution, PackageNotFoundError  # imported late, so that `replicas` starts fast

    try:
        record = Distribution.from_name(DISTRIBUTION).read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    origin: dict[str, Any] = json.loads(record) if record else {}
    return origin


def _path(origin: Mapping[str, Any]) -> Path:
    return Path(unquote(urlsplit(origin["url"]).path))
