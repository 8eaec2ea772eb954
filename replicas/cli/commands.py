"""The commands of `replicas` by purpose, and the group that imports a command when it is used.

The help of `replicas` and the completion of command names use only the table below, so they import no command.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Entry(NamedTuple):
    """A command: the module of `replicas.cli` that registers the command, and its summary in the help."""

    module: str
    summary: str


GROUPS: Final[Mapping[str, Mapping[str, Entry]]] = MappingProxyType(
    {
        "Before paying": {
            "plan": Entry("planning", "Size a deployment, or explain why it does not fit."),
            "check": Entry("checking", "Check any template or Terraform plan."),
            "forecast": Entry("forecasting", "Forecast throughput, latency and bottleneck."),
            "recommend": Entry("recommend", "Find the cheapest layout of a model for a load."),
            "fleet": Entry("fleet", "Find the cheapest endpoints for several models."),
            "cost": Entry("cost", "Show cost per hour, month and million tokens."),
            "review": Entry("review", "Compare two revisions before a merge."),
            "report": Entry("report", "Write one page about deployments."),
            "models": Entry("planning", "List the models of the table, or add one."),
            "instances": Entry("planning", "List instance types: accelerators and price."),
        },
        "Deploying": {
            "doctor": Entry("doctor", "Check tools, credentials, quotas and secrets."),
            "stage": Entry("stage", "Copy weights from the Hub to S3."),
            "deploy": Entry("deploy", "Plan, check, confirm, deploy and test a stack."),
            "preflight": Entry("preflight", "Check a template against the account."),
            "adopt": Entry("adopt", "Take over an endpoint that already exists."),
        },
        "Operating": {
            "status": Entry("status", "Show copies, failures, drift and price."),
            "chat": Entry("chat", "Chat with a deployment."),
            "invoke": Entry("invoke", "Send one request: text, embeddings or scores."),
            "bills": Entry("teardown", "List the endpoints that are billed now."),
            "teardown": Entry("teardown", "Delete a deployment that `cdk destroy` cannot."),
        },
        "Measuring": {
            "benchmark": Entry("benchmark", "Measure a deployment, compare with its forecast."),
            "trace": Entry("trace", "Make a trace of captured requests, without text."),
            "verify": Entry("verify", "Measure with AWS's own benchmark job."),
            "calibrate": Entry("calibrating", "Fit an engine profile to a measured run."),
            "history": Entry("history", "Collect earlier runs on one page."),
        },
        "Locally": {
            "local": Entry("local", "Run an embedded AWS on this computer."),
        },
    }
)
"""Commands by purpose, in the order of the help. A summary fits a terminal of 80 columns."""

COMMANDS: Final[Mapping[str, Entry]] = MappingProxyType(
    {name: entry for group in GROUPS.values() for name, entry in group.items()}
)


class LazyGroup(TyperGroup):
    """The group of all commands. It imports the module of a command when the command is looked up."""

    _needs_names_only = False

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 (the interface of groups)
        """Return the names of all commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 (the interface of groups)
        """Return a command, importing its module if necessary; None if there is no command of this name."""
        if cmd_name not in COMMANDS:
            return None
        if self._needs_names_only:
            return TyperCommand(cmd_name, help=COMMANDS[cmd_name].summary)
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands[cmd_name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that the arguments name. The error for an unknown name suggests similar names."""
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            near = get_close_matches(args[0], COMMANDS)
            ctx.fail(f"no command {args[0]!r}" + (f"; try {' or '.join(near)}" if near else ""))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 (the interface of groups)
        """Write the commands by purpose, without importing them."""
        longest = max(map(len, COMMANDS))
        for title, entries in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(longest), entry.summary) for name, entry in entries.items()])

    def shell_complete(self, ctx: Any, incomplete: str) -> Any:
        """Return the commands and options that begin with `incomplete`, without importing a command."""
        self._needs_names_only = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._needs_names_only = False


def _load(name: str) -> Any:
    """Import the module that registers a command, and return the command."""
    from replicas.cli.app import app

    import_module(f"replicas.cli.{COMMANDS[name].module}")
    command: Any = get_group(app).commands[name]
    for parameter in command.params:
        parameter._runtime_param = _CheckWhenGiven()
    return command


class _CheckWhenGiven:
    """Checks the value of an option with the check that Typer builds with pydantic, only if the option is given.

    Typer itself builds the checks of all options of a command, which takes 3 ms for each option. A version of Typer
    that does not read `_runtime_param` builds all checks.
    """

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the checked value of a given option. For an option that is not given, return the value that Typer
        would return (None or an empty tuple), without a check.
        """
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)
