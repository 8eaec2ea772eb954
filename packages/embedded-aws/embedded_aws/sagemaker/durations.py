"""How long things take on AWS, in seconds there.

Sources: a public measurement of July 2026 on one ml.g5.xlarge (endpoint 4 minutes, first copy 6 more, 11 idle minutes
until a release); the article's 15 to 25 minutes for 8 copies that start one after another. The others were not
measured by anybody found: they are short, so that nobody waits for what is not known.
"""

from __future__ import annotations

INSTANCE_START = 240.0
COPY_START = 150.0
"""The middle of the article's 15 to 25 minutes, over its 8 copies."""
COPY_STOP = 30.0
COMPONENT_DELETION = 60.0
ENDPOINT_DELETION = 60.0
ADAPTER_START = 60.0
IDLE_RELEASE = 720.0
"""From the last copy to the release of an instance that managed scaling added."""
DEFAULT_STARTUP_TIMEOUT = 3600.0
"""Without ContainerStartupHealthCheckTimeoutInSeconds; the longest that can be asked for."""
