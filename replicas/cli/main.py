"""All commands together, and what becomes of their errors."""

from __future__ import annotations

import sys

from replicas.catalogue import CatalogueError
from replicas.cli import planning  # noqa: F401 (a module of commands registers them when it is imported)
from replicas.cli.app import app
from replicas.hub import HubError
from replicas.operations.errors import OperationError
from replicas.proof import ProofError
from replicas.sizing import SizingError

_FOR_THE_USER = (SizingError, ProofError, CatalogueError, HubError, OperationError)


def main() -> None:
    """Run the command. What a user can mend is one message and exit code 1, never a traceback."""
    try:
        app()
    except _FOR_THE_USER as error:
        print(error, file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader of a pipe has seen enough
        sys.stderr.close()
    except Exception as fault:
        refusal = _refusal(fault)
        if refusal is None:
            raise
        print(refusal, file=sys.stderr)
        sys.exit(1)


def _refusal(fault: Exception) -> OperationError | None:
    """What a failed call to AWS means; None for any other failure."""
    if "botocore" not in sys.modules:  # nothing was called: no need to load it
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    from replicas.operations.aws import explain

    return explain(fault) if isinstance(fault, (BotoCoreError, ClientError)) else None
