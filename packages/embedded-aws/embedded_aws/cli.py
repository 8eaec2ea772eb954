"""The command `embedded-aws`: start, stop, status and fault. `replicas local` offers the same commands."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from embedded_aws import process
from embedded_aws.faults import FaultKind
from replicas.errors import ReplicasError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Run an AWS on this computer, without an account and without cost.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Port = Annotated[
    int | None, typer.Option(min=1, max=65535, help="Port of the embedded AWS. Required if several are running.")
]


@app.command()
def start(
    context: typer.Context,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on loopback; 0 selects a free port.")
    ] = process.PORT,
    region: Annotated[str, typer.Option(help="AWS region to set in the printed environment.")] = process.REGION,
    time_scale: Annotated[
        float, typer.Option(min=1, help="Factor by which instances and copies start faster than on AWS.")
    ] = 60,
    speed: Annotated[
        float, typer.Option(min=0.1, help="Factor by which copies answer faster than the plan's forecast.")
    ] = 1,
    state: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="File of the state: loaded at the start if it exists, saved at the end."),
    ] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:CLASS",
            help="Serving engine that runs in the copies. Default: the engine that an installed distribution provides.",
        ),
    ] = None,
    engine_command: Annotated[
        str | None,
        typer.Option(
            metavar="COMMAND",
            help="Command that starts a real engine for each copy, instead of --engine; {port} stands for its port.",
        ),
    ] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Run in the foreground until Ctrl-C.")] = False,
    skip_bootstrap: Annotated[bool, typer.Option("--skip-bootstrap", help="Do not run `cdk bootstrap`.")] = False,
    as_json: Json = False,
) -> None:
    """Start an embedded AWS on loopback, bootstrapped for the CDK, and print the environment to export."""
    from replicas.rules.hosting import regions

    if region not in regions():
        raise typer.BadParameter(f"unknown region {region!r}; known regions: {', '.join(sorted(regions()))}")
    source = context.get_parameter_source("engine")
    if engine_command is not None and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter("--engine and --engine-command exclude each other: remove one of them")
    record = process.start(
        port=port,
        region=region,
        time_scale=time_scale,
        speed=speed,
        state=state,
        engine=engine,
        engine_command=engine_command,
        leashed=foreground,
    )
    try:
        if not skip_bootstrap:
            _print_progress("bootstrapping the embedded AWS for the CDK ...")
            process.bootstrap(record.environment, _print_progress)
        if as_json:
            started = {"port": record.port, "pid": record.pid, "environment": record.environment}
            _print_json({"schema": "embedded-aws.started/1", **started})
        else:
            print("\n".join(_script(record.environment)))
        sys.stdout.flush()
    except BaseException:
        process.stop_undisturbed(record)
        raise
    if foreground:
        process.wait(record, lambda: _print_progress(f"embedded AWS on {record.url}; Ctrl-C stops it"))


@app.command()
def stop(port: Port = None, as_json: Json = False) -> None:
    """Stop an embedded AWS. Its contents are lost unless it was started with --state."""
    record = process.find(port)
    process.stop(record)
    if as_json:
        _print_json({"schema": "embedded-aws.stopped/1", "stopped": record.port, "state": record.state})
    else:
        saved = f"; its state is saved in {record.state}" if record.state else ""
        print(f"stopped the embedded AWS on {record.url}{saved}")


@app.command()
def status(as_json: Json = False) -> None:
    """List the running embedded AWSs. The exit code is 1 if none is running."""
    records = process.running()
    if as_json:
        schema = {"schema": "embedded-aws.running/1"}
        _print_json([{**schema, "port": record.port, "pid": record.pid, "url": record.url} for record in records])
    else:
        for record in records:
            print(f"{record.url}, process {record.pid}, region {record.region}")
    if not records:
        if not as_json:
            _print_progress("no embedded AWS is running: start one with `embedded-aws start`")
        raise typer.Exit(1)


@app.command()
def fault(
    kind: Annotated[str | None, typer.Argument(help="Kind of fault. Default: list the injected faults.")] = None,
    on: Annotated[
        str,
        typer.Option(
            help="Endpoint, component, instance type or operation (sagemaker:CreateModel) that fails; * for any."
        ),
    ] = "*",
    times: Annotated[
        int | None, typer.Option(min=1, help="Number of times that the fault occurs. Default: until --clear.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0, help="For slow-deletion: additional seconds, on AWS's time scale.")
    ] = 0,
    clear: Annotated[bool, typer.Option("--clear", help="Remove all faults.")] = False,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Inject a fault: no capacity, a copy that never starts, throttling, a broken stream, ..."""
    record = process.find(port)
    if clear:
        process.control(record, "DELETE", "/faults")
    if kind is not None:
        if kind not in list(FaultKind):
            raise typer.BadParameter(f"unknown fault {kind!r}; known faults: {', '.join(FaultKind)}")
        process.control(record, "POST", "/faults", {"kind": kind, "on": on, "times": times, "seconds": seconds})
    pending = process.control(record, "GET", "/faults")
    assert isinstance(pending, list)  # noqa: S101 (this path always returns a list)
    if as_json:
        _print_json([{"schema": "embedded-aws.fault/1", **entry} for entry in pending])
        return
    for entry in pending:
        remaining = "until it is cleared" if entry["times"] is None else f"{entry['times']} more"
        print(f"{entry['kind']} on {entry['on']}, {remaining}")
    if not pending:
        print("no faults are pending")


def main() -> None:
    """Run the command. A `ReplicasError` is printed as one message on stderr, with exit code 1."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    for number in (signal.SIGTERM, signal.SIGHUP):  # so that `start --foreground` also stops its embedded AWS
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, interrupt)
    try:
        app()
    except ReplicasError as error:
        print(error, file=sys.stderr)
        sys.exit(1)


def _script(environment: dict[str, str]) -> Iterator[str]:
    """Yield the shell commands that set the client environment, for `eval`."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        # The CDK would use the credentials of the profile, and boto3 fails if the profile does not exist.
        if name in os.environ:
            yield f"unset {name}"
    for name, value in environment.items():
        yield f"export {name}={shlex.quote(value)}"


def _print_progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_json(document: object) -> None:
    print(json.dumps(document, indent=2))
