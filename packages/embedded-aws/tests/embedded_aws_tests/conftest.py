"""No test reaches an account, and none finds what the shell that started it had set."""

from __future__ import annotations

import functools
import os
import signal

from botocore.loaders import JSONFileLoader
from hypothesis import settings

from embedded_aws_tests.support import embedded, running_aws

__all__ = ["embedded", "running_aws"]

os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",  # noqa: S106
    AWS_SESSION_TOKEN="testing",  # noqa: S106
    AWS_EC2_METADATA_DISABLED="true",
)
for variable in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "COLUMNS"):
    os.environ.pop(variable, None)

# A background process of a shell ignores SIGINT, one under `nohup` SIGHUP, and their children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# boto3 reads the service models anew for each session, and the tests make hundreds of sessions.
_read_model = functools.cache(JSONFileLoader().load_file)
JSONFileLoader.load_file = lambda self, file_path: _read_model(file_path)  # type: ignore[method-assign]

# No deadlines: a busy machine is no fault of the code. In CI the examples are the same in every run.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")
