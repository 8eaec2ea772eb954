"""The region and the profile of a command, selected as the CDK CLI selects them.

The region comes from the first of these that is set: the environment variables AWS_REGION, AMAZON_REGION,
AWS_DEFAULT_REGION and AMAZON_DEFAULT_REGION, the profile, and the profile `default`. The profile is AWS_PROFILE, else
AWS_DEFAULT_PROFILE (aws-cdk, `AwsCliCompatible.region` and `.credentialChainBuilder`). botocore itself ignores
AWS_REGION, and reads AWS_DEFAULT_PROFILE first. The CDK CLI then falls back to the region of the EC2 instance and to
us-east-1; this module returns None instead.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import botocore.session

from replicas.deployment.file import FILE, read_entries
from replicas.errors import CatalogueError

REGION_VARIABLES = ("AWS_REGION", "AMAZON_REGION", "AWS_DEFAULT_REGION", "AMAZON_DEFAULT_REGION")
PROFILE_VARIABLES = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@dataclass(frozen=True)
class RegionSource:
    """A region, and the source that sets it."""

    region: str
    source: str


@dataclass(frozen=True)
class RegionChoice:
    """The chosen region, and the sources that set another region."""

    taken: RegionSource
    others: tuple[RegionSource, ...] = ()

    @property
    def note(self) -> str | None:
        """Sentence about the chosen region; None if all sources agree."""
        if not self.others:
            return None
        others = ", ".join(f"{other.source} has {other.region}" for other in self.others)
        return f"region {self.taken.region} is taken from {self.taken.source}; {others}"


def choose_region(option: str | None = None, name: str | None = None) -> RegionChoice | None:
    """Return the region of a command; None if no source sets it.

    Args:
        option: value of --region. It has priority over all other sources.
        name: deployment in deployments.py. The CDK CLI deploys its stack to the region in its entry.

    """
    if option:
        return RegionChoice(RegionSource(option, "--region"))
    sources = [*_of_entry(name), *_of_environment()]
    if not sources:
        return None
    taken = sources[0]
    return RegionChoice(taken, tuple(other for other in sources[1:] if other.region != taken.region))


def region_of_environment() -> str | None:
    """Return the region that environment variables and profile set, in the order of the CDK CLI."""
    source = next(_of_environment(), None)
    return source.region if source else None


def botocore_session() -> botocore.session.Session:
    """Return a session with the profile that the CDK CLI uses."""
    return botocore.session.Session(session_vars=_variables())


def _variables() -> dict[str, Any]:
    return {"profile": (None, list(PROFILE_VARIABLES), None, None)}


def _of_entry(name: str | None) -> Iterator[RegionSource]:
    if name is None or not FILE.is_file():
        return
    try:
        entries = read_entries()
    except CatalogueError:
        return  # the command does not need the file; a command that needs it reports the fault
    for entry in entries:
        if entry.name == name and entry.region:
            yield RegionSource(str(entry.region), str(FILE))


def _of_environment() -> Iterator[RegionSource]:
    for variable in REGION_VARIABLES:
        if region := os.environ.get(variable):
            yield RegionSource(region, variable)
    reader = botocore.session.Session(session_vars=_variables(), include_builtin_handlers=False)  # for reading only
    profiles: Mapping[str, Mapping[str, str]] = reader.full_config.get("profiles", {})
    chosen = next((value for variable in PROFILE_VARIABLES if (value := os.environ.get(variable))), "default")
    for profile in dict.fromkeys((chosen, "default")):
        if region := profiles.get(profile, {}).get("region"):
            yield RegionSource(region, f"profile {profile}")
            return
