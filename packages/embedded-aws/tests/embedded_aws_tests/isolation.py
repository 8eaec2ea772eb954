"""For a whole suite: no test reaches an account, and none finds what the shell that started it had set."""

from __future__ import annotations

import copy
import functools
import os
import signal
from types import SimpleNamespace
from typing import Any

from botocore import hooks
from botocore.loaders import JSONFileLoader, Loader
from hypothesis import settings
from moto import settings as moto_settings
from moto.iam.models import IAMBackend


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

    _remember_what_sessions_read()

    # moto parses AWS's 1,582 managed policies for each partition at the begin and at the end of each test: a second.
    IAMBackend._init_aws_policies = _managed_policies  # type: ignore[method-assign]

    # No deadlines: a busy machine is no fault of the code. In CI the examples are the same in every run, so that a red
    # run is the change's doing.
    settings.register_profile("here", deadline=None)
    settings.register_profile("ci", parent=settings.get_profile("here"), derandomize=True)
    settings.load_profile("ci" if os.environ.get("CI") else "here")


def _remember_what_sessions_read() -> None:
    """Read service models, their folders and the signatures of handlers once: each session of botocore does it anew.

    The tests make hundreds of sessions, and all find the same.
    """
    read_model = functools.cache(_READ_MODEL)
    JSONFileLoader.load_file = lambda self, file_path: read_model(file_path)  # type: ignore[method-assign]
    hooks.accepts_kwargs = functools.cache(hooks.accepts_kwargs)
    remembered: dict[tuple[str, ...], list[str]] = {}

    def list_services(loader: Loader, type_name: str) -> list[str]:
        place = (type_name, *loader.search_paths)
        if place not in remembered:
            remembered[place] = _LIST_SERVICES(loader, type_name)
        return remembered[place]

    Loader.list_available_services = list_services  # type: ignore[method-assign]


_READ_MODEL = JSONFileLoader().load_file
_LIST_SERVICES = Loader.list_available_services
_READ_POLICIES = IAMBackend._init_aws_policies


def _managed_policies(backend: IAMBackend) -> list[Any]:
    """Copies of the policies, which count how often each is attached."""
    is_loaded = moto_settings.load_iam_aws_managed_policies()
    return [copy.copy(policy) for policy in _policies(backend.account_id, backend.region_name, is_loaded)]


@functools.cache
def _policies(account: str, region: str, is_loaded: bool) -> list[Any]:
    backend: Any = SimpleNamespace(account_id=account, region_name=region)
    return _READ_POLICIES(backend)
