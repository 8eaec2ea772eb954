"""Where images and weights come from, and whether tomorrow's copy is the same as today's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from replicas.rules.practice.containers import containers_of, image_name
from replicas.rules.practice.findings import broken
from replicas.rules.report import Finding
from replicas.rules.weights_rules import hub_repository
from replicas.template.endpoints import Container, View

_MOVING = re.compile(r"latest|main|master|nightly|stable|dev|edge|(?:.*-)?v\d+")
"""Tags that are pushed again; AWS's own moving ones end in a major version (`server-sagemaker-cuda-v2`)."""

_REVISIONS = {
    "tgi": ("HF_MODEL_REVISION", "REVISION"),
    "vllm": ("SM_VLLM_REVISION",),
    "djl-inference": ("OPTION_REVISION", "HF_REVISION"),
}
"""Which variables an image reads the revision from, by a part of the repository's name."""

_BRANCHES = ("main", "master", "refs/heads/main")

_PIN = "a tag with the whole version, or a digest (IMAGE@sha256:...)"


def images(view: View) -> Iterator[Finding]:
    """Images come from accounts that are known, by names that stay."""
    for written in containers_of(view):
        logical_id, name = written.resource.logical_id, image_name(written.container.image)
        if written.container.image is None or name is None:
            continue
        if name.public and not written.in_vpc_registry:
            yield broken(
                "image-from-public-registry",
                logical_id,
                f"Image={name.text}",
                "a copy in private ECR (a pull-through cache makes one), or one of AWS's Deep Learning Containers",
            )
            continue
        if name.is_ones_own and name.account != "own":
            yield broken(
                "image-elsewhere",
                logical_id,
                f"the image is in account {name.account}",
                "a Deep Learning Container or a repository of your own (${AWS::AccountId} says so); or acknowledge it",
            )
        if name.digest:
            continue
        if name.tag is None and not name.text.endswith("}"):
            yield broken("image-tag-moves", logical_id, f"Image={name.text} has no tag: `latest` is pulled", _PIN)
        elif name.tag and _MOVING.fullmatch(name.tag):
            yield broken("image-tag-moves", logical_id, f"the tag {name.tag} moves", _PIN)
        elif name.tag and name.is_ones_own:
            yield broken("image-without-digest", logical_id, f"the tag {name.tag} has no digest", "IMAGE@sha256:...")


def hub_without_revision(view: View) -> Iterator[Finding]:
    """A repository of the Hub changes; a commit of it does not."""
    for written in containers_of(view):
        repository = hub_repository(written.container)
        if repository is None or written.container.unknown is not None:
            continue
        read = _revisions_of(written.container)
        given = [written.container.variable(name) for name in read]
        if all(value is None or value in ("", *_BRANCHES) for value in given):
            branch = next((value for value in given if value), None)
            yield broken(
                "hub-without-revision",
                written.resource.logical_id,
                f"{repository[0]}={repository[1]} " + (f"on the branch {branch}" if branch else "without a revision"),
                f"{read[0]}=COMMIT, or the weights of a commit in S3",
            )


def _revisions_of(container: Container) -> tuple[str, ...]:
    repository = container.repository or ""
    found = [names for part, names in _REVISIONS.items() if part in repository]
    return found[0] if found else tuple(name for names in _REVISIONS.values() for name in names)
