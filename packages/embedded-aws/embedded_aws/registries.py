"""ECR's `BatchGetImage`, which also serves the AWS-owned registries of the engines' container images."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from embedded_aws.evidence import documented
from embedded_aws.service import ACCOUNT, Answer, Parameters, Service, ServiceError
from replicas.rules.hosting import published_tags


class Registries(Service):
    """Implements `BatchGetImage`, with which AWS pulls an image from another account. moto implements the other
    operations of ECR.
    """

    name: ClassVar[str] = "ecr"

    def batch_get_image(self, params: Parameters) -> Answer:  # noqa: D102 (named like the operation)
        account, repository = params.get("registryId", ACCOUNT), params["repositoryName"]
        tags = (
            self._own_tags(repository)
            if account == ACCOUNT
            else published_tags(account, self.surroundings.region, repository)
        )
        if tags is None:
            raise ServiceError(
                "RepositoryNotFoundException",
                f"The repository with name '{repository}' does not exist in the registry with id '{account}'",
                documented("ECR API: RepositoryNotFoundException"),
            )
        answer: dict[str, Any] = {"images": [], "failures": []}
        for image_id in params["imageIds"]:
            if image_id.get("imageTag") in tags:
                image = {"registryId": account, "repositoryName": repository, "imageManifest": "{}"}
                digest = f"sha256:{hashlib.sha256(image_id['imageTag'].encode()).hexdigest()}"
                answer["images"].append({**image, "imageId": {**image_id, "imageDigest": digest}})
            else:
                reason = "Requested image not found"
                answer["failures"].append(
                    {"imageId": dict(image_id), "failureCode": "ImageNotFound", "failureReason": reason}
                )
        return answer

    def _own_tags(self, repository: str) -> frozenset[str] | None:
        ecr = self.surroundings.client("ecr")
        try:
            images = ecr.list_images(repositoryName=repository)["imageIds"]
        except ecr.exceptions.RepositoryNotFoundException:
            return None
        return frozenset(image["imageTag"] for image in images if "imageTag" in image)
