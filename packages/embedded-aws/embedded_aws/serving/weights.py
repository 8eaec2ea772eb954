"""Reads a manifest of `replicas stage`, which names the model repository of the weights under an S3 prefix."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.service import Surroundings


def staged_repository(surroundings: Surroundings, uri: str) -> str | None:
    """Return the model repository of the weights under an S3 prefix; None if there is no readable manifest."""
    place = urlsplit(uri)
    client = surroundings.client("s3")
    try:
        key = f"{place.path.strip('/')}.manifest.json"
        document = json.loads(client.get_object(Bucket=place.netloc, Key=key)["Body"].read())
        return str(document["repository"])
    except (BotoCoreError, ClientError, ValueError, LookupError, TypeError):
        return None
