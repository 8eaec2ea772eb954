"""Which model lies in S3: `replicas stage` writes that down beside the prefix that the weights are in."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.service import Surroundings


def staged_repository(surroundings: Surroundings, uri: str) -> str | None:
    """The repository of the weights under a prefix; None where no manifest tells."""
    place = urlsplit(uri)
    client = surroundings.client("s3")
    try:
        key = f"{place.path.strip('/')}.manifest.json"
        document = json.loads(client.get_object(Bucket=place.netloc, Key=key)["Body"].read())
        return str(document["repository"])
    except (BotoCoreError, ClientError, ValueError, LookupError, TypeError):
        return None
    finally:
        client.close()
