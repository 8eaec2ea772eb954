"""Bearer tokens of the OpenAI-compatible path: presigned URLs in base64, in the format of the SageMaker SDK.

Format, action and expiry are checked. The signature is not checked, because the embedded AWS knows no credentials.
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

_PREFIX = "sagemaker-api-key-"


def region_of(authorization: str | None, now: float) -> str:
    """Return the region of a bearer token.

    Raises:
        ValueError: the token is missing, has another format, or has expired.

    """
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not token.startswith(_PREFIX):
        raise ValueError("the Authorization header contains no SageMaker bearer token")
    try:
        url = base64.b64decode(token.removeprefix(_PREFIX), validate=True).decode()
        parameters = {key: values[0] for key, values in parse_qs(urlsplit(f"https://{url}").query).items()}
        signed = datetime.strptime(parameters["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        ends = signed + timedelta(seconds=int(parameters["X-Amz-Expires"]))
        _, _, region, service, _ = parameters["X-Amz-Credential"].split("/")[-5:]
        valid = parameters["Action"] == "CallWithBearerToken" and service == "sagemaker"
    except (binascii.Error, UnicodeDecodeError, KeyError, ValueError):
        valid, region, ends = False, "", datetime.now(UTC)
    if not valid:
        raise ValueError("the bearer token is not a presigned CallWithBearerToken request")
    if datetime.fromtimestamp(now, UTC) > ends:
        raise ValueError("the bearer token has expired")
    return region
