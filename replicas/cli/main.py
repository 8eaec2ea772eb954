"""All commands together, and what becomes of their errors."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn

from replicas.cli.app import app
from replicas.errors import ReplicasError, UsageError
from replicas.installation import EXTRA_OF, missing_module

MODULES = {
    "planning": ("plan", "check", "models", "instances"),
    "forecasting": ("forecast",),
    "recommend": ("recommend",),
    "fleet": ("fleet",),
    "cost": ("cost",),
    "review": ("review",),
    "calibrating": ("calibrate",),
    "local": ("local",),
    "chat": ("chat",),
    "status": ("status",),
    "benchmark": ("benchmark",),
    "history": ("history",),
    "verify": ("verify",),
    "teardown": ("teardown", "bills"),
    "stage": ("stage",),
    "preflight": ("preflight",),
    "doctor": ("doctor",),
}
"""The commands of each module, in the order of the help."""


def main() -> None:
    """Run the command. What a user can mend is one message and exit code 1, never a traceback."""
    try:
        with _interruptible():
            load(sys.argv[1:2])
            app()
    except ReplicasError as error:
        print(error, file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
    except OSError as fault:
        if fault.filename is None:
            raise
        print(f"{fault.filename}: {fault.strerror}", file=sys.stderr)
        sys.exit(1)
    except ModuleNotFoundError as missing:
        module = (missing.name or "").partition(".")[0]
        if module not in EXTRA_OF:
            raise
        print(missing_module(module), file=sys.stderr)
        sys.exit(1)
    except Exception as fault:
        refusal = _refusal(fault)
        if refusal is None:
            raise
        print(refusal, file=sys.stderr)
        sys.exit(1)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let a terminal that closes, and `kill`, do what Ctrl-C does: what was begun is ended in order.

    What is ignored stays ignored: `nohup` means it.
    """

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    ending = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ending:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_DFL)


def load(wanted: list[str]) -> None:
    """Import the module of the command that is wanted: it registers its commands. Without one, all of them."""
    found = [module for module, commands in MODULES.items() if wanted and wanted[0] in commands]
    for module in found or MODULES:
        import_module(f"replicas.cli.{module}")


def _refusal(fault: Exception) -> ReplicasError | None:
    """What a failed call to AWS means; None for any other failure."""
    if "botocore" not in sys.modules:  # nothing was called: no need to load it
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    from replicas.aws.session import explain

    return explain(fault) if isinstance(fault, (BotoCoreError, ClientError)) else None
