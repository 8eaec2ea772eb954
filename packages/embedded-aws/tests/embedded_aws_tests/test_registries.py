"""The embedded ECR: AWS's registries have the engines' containers, the account's own has what was pushed."""

from __future__ import annotations

import json

import boto3
import pytest
from botocore.exceptions import ClientError

from embedded_aws.server import EmbeddedAws
from replicas.engines import find_image

IMAGE = find_image("tgi", "1.1.0")
assert IMAGE


def ask(repository: str, tag: str, account: str | None = None, region: str = "us-west-2") -> tuple[int, list[str]]:
    which = {"registryId": account} if account else {}
    ecr = boto3.client("ecr", region_name=region)
    answer = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}], **which)
    return len(answer["images"]), [entry["failureCode"] for entry in answer["failures"]]


@pytest.mark.parametrize("region", ["us-west-2", "af-south-1"])
def test_each_region_has_the_containers_in_its_own_account(embedded: EmbeddedAws, region: str) -> None:
    account = IMAGE.accounts[region]
    assert ask(IMAGE.repository, IMAGE.tag, account, region) == (1, [])
    assert ask(IMAGE.repository, "1.0", account, region) == (0, ["ImageNotFound"])


@pytest.mark.parametrize("account", ["111122223333", IMAGE.accounts["af-south-1"], None])
def test_no_other_account_has_them(embedded: EmbeddedAws, account: str | None) -> None:
    with pytest.raises(ClientError, match="RepositoryNotFoundException"):
        ask(IMAGE.repository, IMAGE.tag, account)


def test_the_accounts_own_registry_has_what_was_pushed(embedded: EmbeddedAws) -> None:
    ecr = boto3.client("ecr")
    ecr.create_repository(repositoryName="own-engine")
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": {}, "layers": []})
    ecr.put_image(repositoryName="own-engine", imageTag="v1", imageManifest=manifest)
    assert ask("own-engine", "v1") == (1, [])
    assert ask("own-engine", "v2") == (0, ["ImageNotFound"])
    ecr.delete_repository(repositoryName="own-engine", force=True)
