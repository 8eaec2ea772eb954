"""`replicas local`: an AWS on this computer, for trying everything without an account."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, app, print_json, tell

local = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="An AWS on this computer: no account, no cost.")
app.add_typer(local, name="local")

Port = Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the one meant, where several run.")]


@local.command()
def start(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port on loopback; 0 takes a free one.")] = 5566,
    region: Annotated[str, typer.Option(help="Region that the printed environment names.")] = "us-west-2",
    time_scale: Annotated[
        float, typer.Option(min=1, help="How many times faster than on AWS instances and copies start.")
    ] = 60,
    speed: Annotated[
        float, typer.Option(min=0.1, help="How many times faster than their plan says the copies answer.")
    ] = 1,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Load the state from there if it is there; save it at the end.")
    ] = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay; Ctrl-C stops it.")] = False,
    skip_bootstrap: Annotated[bool, typer.Option("--skip-bootstrap", help="Do not bootstrap it for the CDK.")] = False,
    as_json: Json = False,
) -> None:
    """Start an embedded AWS on loopback, bootstrapped for the CDK, and print the environment to export."""
    from embedded_aws import process
    from replicas.catalogue.regions import known_regions

    if region not in known_regions():
        raise typer.BadParameter(f"no region {region!r} is known; regions: {', '.join(known_regions())}")
    record = process.start(port=port, region=region, time_scale=time_scale, speed=speed, state=state)
    try:
        if not skip_bootstrap:
            tell("bootstrapping it for the CDK ...")
            process.bootstrap(record.environment, tell)
        if as_json:
            print_json({"port": record.port, "pid": record.pid, "environment": record.environment})
        else:
            print("\n".join(_script(record.environment)))
        sys.stdout.flush()
    except BaseException:
        process.stop(record)
        raise
    if foreground:
        tell(f"embedded AWS on {record.url}; Ctrl-C stops it")
        process.wait(record)


@local.command()
def stop(port: Port = None, as_json: Json = False) -> None:
    """Stop an embedded AWS. What was in it is gone, unless it was started with --state."""
    from embedded_aws import process

    record = process.find(port)
    process.stop(record)
    if as_json:
        print_json({"stopped": record.port, "state": record.state})
    else:
        print(
            f"stopped the embedded AWS on {record.url}" + (f"; its state is in {record.state}" if record.state else "")
        )


@local.command()
def status(as_json: Json = False) -> None:
    """Show the embedded AWSs that run; exit code 1 where there is none."""
    from embedded_aws import process

    records = process.running()
    if as_json:
        print_json([{"port": record.port, "pid": record.pid, "url": record.url} for record in records])
    for record in records if not as_json else ():
        print(f"{record.url}, process {record.pid}, region {record.region}")
    if not records:
        if not as_json:
            tell("no embedded AWS runs: `replicas local start` starts one")
        raise typer.Exit(1)


@local.command()
def fault(
    kind: Annotated[
        str | None, typer.Argument(help="What goes wrong; without it: the faults that are to come.")
    ] = None,
    on: Annotated[
        str, typer.Option(help="Name of the endpoint or component, or operation (sagemaker:CreateModel); * for any.")
    ] = "*",
    times: Annotated[int | None, typer.Option(min=1, help="How often. Default: until --clear.")] = None,
    seconds: Annotated[float, typer.Option(min=0, help="For slow-deletion: AWS's seconds.")] = 0,
    clear: Annotated[bool, typer.Option("--clear", help="Everything works again.")] = False,
    port: Port = None,
    as_json: Json = False,
) -> None:
    """Let something go wrong: no capacity, a copy that never starts, throttling, a broken stream, ..."""
    from embedded_aws import process
    from embedded_aws.faults import FaultKind

    record = process.find(port)
    if clear:
        process.control(record, "DELETE", "/faults")
    if kind is not None:
        if kind not in list(FaultKind):
            raise typer.BadParameter(f"no fault {kind!r} is known; faults: {', '.join(FaultKind)}")
        process.control(record, "POST", "/faults", {"kind": kind, "on": on, "times": times, "seconds": seconds})
    pending = process.control(record, "GET", "/faults")
    if as_json:
        print_json(pending)
        return
    assert isinstance(pending, list)  # noqa: S101 (what the path answers)
    for entry in pending:
        left = "until it is cleared" if entry["times"] is None else f"{entry['times']} more"
        print(f"{entry['kind']} on {entry['on']}, {left}")
    if not pending:
        print("no faults: everything works")


def _script(environment: dict[str, str]) -> Iterator[str]:
    """For a shell's `eval`."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        if name in os.environ:  # the CDK would take its credentials, and boto3 insists that it exists
            yield f"unset {name}"
    for name, value in environment.items():
        yield f"export {name}={shlex.quote(value)}"
