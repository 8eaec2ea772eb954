"""Entry point of `replicas`: loads the command's module, and turns errors into messages and exit codes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import NoReturn

from replicas.cli.app import app
from replicas.errors import ReplicasError, UsageError
from replicas.escaping import log_line, log_lines
from replicas.installation import EXTRA_OF, missing_module

MODULES = {
    "planning": ("plan", "models", "instances"),
    "checking": ("check",),
    "forecasting": ("forecast",),
    "recommend": ("recommend",),
    "fleet": ("fleet",),
    "cost": ("cost",),
    "review": ("review",),
    "calibrating": ("calibrate",),
    "local": ("local",),
    "chat": ("chat",),
    "invoke": ("invoke",),
    "status": ("status",),
    "benchmark": ("benchmark",),
    "history": ("history",),
    "verify": ("verify",),
    "teardown": ("teardown", "bills"),
    "stage": ("stage",),
    "preflight": ("preflight",),
    "adopt": ("adopt",),
    "doctor": ("doctor",),
}
"""Commands that each module of `replicas.cli` registers, in the order of the help."""


def main() -> None:
    """Run the command. An error that the user can correct is one message and exit code 1 or 2, without a traceback."""
    try:
        with _interruptible():
            load(sys.argv[1:2])
            app()
    except ReplicasError as error:
        print(log_lines(str(error)), file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except BrokenPipeError:  # the reader of the pipe has closed it, for example `head`
        sys.stderr.close()
    except OSError as fault:
        if fault.filename is None:
            raise
        print(log_line(f"{fault.filename}: {fault.strerror}"), file=sys.stderr)
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
        print(log_lines(str(refusal)), file=sys.stderr)
        sys.exit(1)


@contextmanager
def _interruptible() -> Iterator[None]:
    """Handle SIGTERM and SIGHUP like Ctrl-C: raise KeyboardInterrupt, so that cleanup code runs.

    A signal that is already ignored stays ignored, for example SIGHUP under `nohup`.
    """

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    handled = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in handled:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)


def load(arguments: list[str]) -> None:
    """Import the module that registers the command in `arguments`; all modules if they name no command."""
    matching = [module for module, commands in MODULES.items() if arguments and arguments[0] in commands]
    for module in matching or MODULES:
        import_module(f"replicas.cli.{module}")


def _refusal(fault: Exception) -> ReplicasError | None:
    """Explain a botocore error as an error of ours; None for any other error."""
    if "botocore" not in sys.modules:  # no AWS call was made, so botocore need not be loaded
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    from replicas.aws.session import explain

    return explain(fault) if isinstance(fault, (BotoCoreError, ClientError)) else None
