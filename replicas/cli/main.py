"""Entry point of `replicas`: turns errors into messages and exit codes, and handles closed or broken streams."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from replicas.cli.app import app
from replicas.cli.output import complain
from replicas.errors import OutputError, ReplicasError, UsageError
from replicas.garbage import collect_rarely
from replicas.installation import EXTRA_OF, missing_module


def main() -> None:
    """Run the command. An error that the user can correct gives one message and exit code 1 or 2."""
    collect_rarely()
    _require_streams()
    code = _run()
    try:
        sys.stdout.flush()
    except OSError as fault:  # flushing the buffer can fail: a short output to a full disk, or to a closed pipe
        code = code or 1
        if not isinstance(fault, BrokenPipeError):
            complain(f"the output cannot be written: {fault.strerror}")
        _discard_output()
    sys.exit(code)


def _run() -> int:
    """Run the command and return its exit code."""
    try:
        with _interruptible():
            app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of the pipe has closed it, for example `head`
        _discard_output()
        return 1
    except ReplicasError as error:
        complain(str(error))
        if isinstance(error, OutputError):
            _discard_output()
        return 2 if isinstance(error, UsageError) else 1
    except OSError as fault:
        place = f"{fault.filename}: " if fault.filename is not None else ""
        complain(f"{place}{fault.strerror or fault}")
        return 1
    except ModuleNotFoundError as missing:
        module = (missing.name or "").partition(".")[0]
        if module not in EXTRA_OF:
            raise
        complain(missing_module(module))
        return 1
    except Exception as fault:
        refusal = _refusal(fault)
        if refusal is None:
            raise
        complain(str(refusal))
        return 1
    return 0


def _require_streams() -> None:
    """Open each closed stream on the null device, so that no file gets its descriptor; refuse a closed stdout.

    Characters that a terminal or a log cannot encode are written as escapes.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # opens the lowest free descriptor, which is the closed one
    is_closed = sys.stdout is None
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 (a stream of the process)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if is_closed:
        complain("standard output is closed: redirect it, for example to a file or to /dev/null")
        sys.exit(1)


def _discard_output() -> None:
    """Redirect the rest of the buffer of stdout to the null device, so that the interpreter exits without an error."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):  # not a stream of the process
        return


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


def _refusal(fault: Exception) -> ReplicasError | None:
    """Convert a botocore error to an error of this package; None for any other error."""
    if "botocore" not in sys.modules:  # no AWS call was made, so botocore need not be loaded
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    from replicas.aws.session import explain

    return explain(fault) if isinstance(fault, (BotoCoreError, ClientError)) else None
