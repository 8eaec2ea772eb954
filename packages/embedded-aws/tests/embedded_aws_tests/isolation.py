"""For a whole suite: no test reaches an account, and none finds what the shell that started it had set."""

from __future__ import annotations

import functools
import os
import signal

from botocore.loaders import JSONFileLoader
from hypothesis import settings


def isolate() -> None:
    """Set the environment, the signals, the memory of boto3 and the profiles of Hypothesis for all tests."""
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",  # noqa: S106
        AWS_SESSION_TOKEN="testing",  # noqa: S106
        AWS_EC2_METADATA_DISABLED="true",
    )
    # COLUMNS: the width of the terminal that the tests run in is not that of what they print.
    for variable in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "COLUMNS"):
        os.environ.pop(variable, None)

    # A command in the background of a shell ignores SIGINT, one under `nohup` SIGHUP, and their children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

    # boto3 reads the service models anew for each session, and the tests make hundreds of sessions.
    read_model = functools.cache(_READ_MODEL)
    JSONFileLoader.load_file = lambda self, file_path: read_model(file_path)  # type: ignore[method-assign]

    # No deadlines: a busy machine is no fault of the code. In CI the examples are the same in every run, so that a red
    # run is the change's doing.
    settings.register_profile("here", deadline=None)
    settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
    settings.load_profile("ci" if os.environ.get("CI") else "here")


_READ_MODEL = JSONFileLoader().load_file
