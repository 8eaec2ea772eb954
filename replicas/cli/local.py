"""`replicas local`: the commands of the distribution `embedded-aws`, which the extra `local` installs."""

from __future__ import annotations

from replicas.cli.app import app
from replicas.errors import OperationError
from replicas.installation import missing_module


def not_installed() -> None:
    """Run a simulated AWS on this computer without an account. Needs the extra `local`, which is not installed."""
    raise OperationError(missing_module("embedded_aws"))


try:
    from embedded_aws.cli import app as local
except ModuleNotFoundError as missing:
    if missing.name != "embedded_aws":
        raise
    app.command("local", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(not_installed)
else:
    defaults = {"start": {"engine": "replicas.forecast.stand_in:StandInEngine"}}
    app.add_typer(local, name="local", context_settings={"default_map": defaults})
