"""Durations of SageMaker's operations, in AWS's seconds.

Sources: a public measurement of July 2026 on one ml.g5.xlarge (4 minutes to start the endpoint, 6 minutes to start the
first copy, 11 idle minutes until a release); an AWS article (15 to 25 minutes for 8 copies that start one after
another). The other durations are assumptions: no public measurement is known, so they are short to avoid long waits.
"""

from __future__ import annotations

INSTANCE_START = 240.0
COPY_START = 150.0
"""From the article: 20 minutes, the middle of 15 to 25, divided by 8 copies."""
COPY_STOP = 30.0
COMPONENT_DELETION = 60.0
ENDPOINT_DELETION = 60.0
ADAPTER_START = 60.0
IDLE_RELEASE = 720.0
"""Time between the end of the last copy and the release of an instance that managed scaling added."""
DEFAULT_STARTUP_TIMEOUT = 3600.0
"""Default of ContainerStartupHealthCheckTimeoutInSeconds: the largest value that the API accepts."""
