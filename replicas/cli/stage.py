"""`replicas stage`: weights from the Hub into S3."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import Json, Region, app, print_json, show, tell
from replicas.cli.progress import staged_bytes

if TYPE_CHECKING:
    from replicas.aws.session import Aws
    from replicas.staging.bucket import Destination
    from replicas.staging.staging import Staging

Patterns = list[str]
_KEPT = "the parts that were sent are kept, and bill as objects do; run this again to go on, or with --abort to end it"


@app.command()
def stage(
    model: Annotated[str, typer.Argument(help="A repository of the Hugging Face Hub, or a model of the table.")],
    destination: Annotated[str, typer.Argument(metavar="S3_PREFIX", help="Where to: s3://bucket/prefix/.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit. Default: the main branch.")] = None,
    token_env: Annotated[
        str | None, typer.Option(metavar="VARIABLE", help="Environment variable that holds a Hugging Face token.")
    ] = None,
    token_secret: Annotated[
        str | None, typer.Option(metavar="NAME", help="Secrets Manager secret whose string is such a token.")
    ] = None,
    kms_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Encrypt with this KMS key. Default: as the bucket does.")
    ] = None,
    include: Annotated[
        Patterns | None, typer.Option(metavar="PATTERN", help="Stage these files too (*.md); can be repeated.")
    ] = None,
    exclude: Annotated[
        Patterns | None, typer.Option(metavar="PATTERN", help="Leave these files out; can be repeated.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace what an earlier run staged under the prefix.")
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Only end what an interrupted run left in uploads, and bills.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the files and end.")] = False,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Copy the weights of one commit from the Hub to S3: verified, nothing on disk; run again, it goes on."""
    from replicas.aws.session import Aws
    from replicas.catalogue.hub import Hub
    from replicas.errors import OperationError
    from replicas.staging import staging as staging_room
    from replicas.staging.bucket import parse_destination

    if token_env is not None and token_secret is not None:
        raise typer.BadParameter("--token-env and --token-secret both give a token: one of them")
    place = parse_destination(destination)
    aws = Aws(region)
    if abort:
        _abort(aws, place, as_json)
        return
    hub = Hub(_token(aws, token_env, token_secret))
    staging = staging_room.prepare(
        aws,
        hub,
        _repository(model),
        place,
        revision=revision,
        kms_key=kms_key,
        include=include or (),
        exclude=exclude or (),
        replace_other=replace,
    )
    for sentence in staging.warnings:
        tell(f"warning: {sentence}")
    if dry_run:
        if as_json:
            print_json(staging_room.staging_document(staging, None))
        else:
            _show_plan(staging)
        return
    tell(_headline(staging))
    try:
        with staged_bytes(staging.bytes_waiting) as (progress, say):
            manifest = staging_room.stage(aws, hub, staging, progress=progress, tell=say)
    except KeyboardInterrupt:
        tell(f"interrupted: {_KEPT}")
        raise typer.Exit(130) from None
    except OperationError:  # what came was wrong: nothing of it was kept
        raise
    except Exception:
        tell(f"not finished: {_KEPT}")
        raise
    if as_json:
        print_json(staging_room.staging_document(staging, manifest))
        return
    tell(f"manifest: {place.manifest_url}; the commit is recorded there: leave out revision= and token_secret=")
    print(f'weights="{place.url}",')


def _token(aws: Aws, variable: str | None, secret: str | None) -> str | None:
    """The token that was named; None where none was."""
    if variable is not None:
        if not os.environ.get(variable, "").strip():
            raise typer.BadParameter(f"--token-env {variable}: there is no such variable, or it is empty")
        return os.environ[variable]
    if secret is not None:
        from replicas.errors import OperationError

        found = aws.client("secretsmanager").get_secret_value(SecretId=secret).get("SecretString")
        if found is None:
            raise OperationError(f"secret {secret} holds no string: its string must be the token itself")
        return str(found)
    return None


def _repository(model: str) -> str:
    """The repository of a short name of the table; any other name is one already."""
    from replicas.catalogue.models import find_model

    try:
        return find_model(model).id
    except LookupError:
        return model


def _abort(aws: Aws, place: Destination, as_json: bool) -> None:
    from replicas.staging.staging import end_uploads

    ended = end_uploads(aws, place)
    if as_json:
        print_json({"schema": "replicas.ended-uploads/1", "ended_uploads": ended})
    else:
        print(f"{ended} unfinished {'upload' if ended == 1 else 'uploads'} under {place.url} ended")


def _headline(staging: Staging) -> str:
    snapshot, waiting = staging.snapshot, staging.waiting
    there = len(staging.selection.files) - len(waiting)
    return (
        f"{snapshot.repository} at {snapshot.commit}: {len(waiting)} files, {staging.bytes_waiting / 1e9:,.2f} GB to "
        f"stage" + (f"; {there} lie there already" if there else "")
    )


def _show_plan(staging: Staging) -> None:
    from rich.table import Table

    table = Table("file", "bytes", "what is done", box=None, pad_edge=False)
    for file in staging.selection.files:
        done = "lies there already" if file.path in staging.present else "staged"
        table.add_row(file.path, f"{file.size_bytes:,}", done)
    for path in staging.to_delete:
        table.add_row(path, "", "deleted: of what this replaces")
    for path, why in staging.selection.left_out:
        table.add_row(path, "", f"left out: {why}")
    show(table)
    print(_headline(staging))
