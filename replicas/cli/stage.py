"""`replicas stage`: copies model weights from the Hugging Face Hub to S3."""

from __future__ import annotations

from typing import Annotated

import typer

from replicas.cli.app import Json, Region, app, print_json, say, show, tell
from replicas.cli.progress import staged_bytes
from replicas.cli.region import region_of
from replicas.errors import UsageError

Patterns = list[str]
_KEPT = (
    "the uploaded parts are kept and billed like objects; run the command again to continue, or with "
    "--abort to delete them"
)


@app.command()
def stage(
    model: Annotated[
        str, typer.Argument(help="A repository of the Hugging Face Hub, or a model of the table (replicas models).")
    ],
    destination: Annotated[str, typer.Argument(metavar="S3_PREFIX", help="Destination: s3://bucket/prefix/.")],
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit. Default: the main branch.")] = None,
    token_env: Annotated[
        str | None, typer.Option(metavar="VARIABLE", help="Environment variable that contains a Hugging Face token.")
    ] = None,
    token_secret: Annotated[
        str | None, typer.Option(metavar="NAME", help="Secrets Manager secret whose string is a Hugging Face token.")
    ] = None,
    kms_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="Encrypt with this KMS key. Default: the bucket's encryption.")
    ] = None,
    include: Annotated[
        Patterns | None, typer.Option(metavar="PATTERN", help="Also stage these files (*.md); may be repeated.")
    ] = None,
    exclude: Annotated[
        Patterns | None, typer.Option(metavar="PATTERN", help="Do not stage these files; may be repeated.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the files of an earlier run under the prefix.")
    ] = False,
    abort: Annotated[
        bool, typer.Option("--abort", help="Only abort unfinished uploads of an interrupted run. They are billed.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the files without staging them.")] = False,
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Copy the weights of one commit from the Hub to S3. The files are verified and not stored on disk."""
    from replicas.cli.tables.stage import staging_headline, staging_table
    from replicas.errors import OperationError
    from replicas.staging import StagingRequest, prepare_staging
    from replicas.staging.staging import staging_document

    if token_env is not None and token_secret is not None:
        raise UsageError("--token-env and --token-secret both name a token: give only one of them")
    if abort:
        _abort(destination, region_of(region), as_json=as_json)
        return
    prepared = prepare_staging(
        StagingRequest(
            model=model,
            destination=destination,
            region=region_of(region),
            revision=revision,
            token_env=token_env,
            token_secret=token_secret,
            kms_key=kms_key,
            include=tuple(include or ()),
            exclude=tuple(exclude or ()),
            replace=replace,
        )
    )
    staging = prepared.staging
    for sentence in staging.warnings:
        tell(f"warning: {sentence}")
    if dry_run:
        if as_json:
            print_json(staging_document(staging, None))
        else:
            show(staging_table(staging))
            say(staging_headline(staging))
        return
    tell(staging_headline(staging))
    try:
        with staged_bytes(staging.bytes_waiting) as (progress, tell_beside):
            manifest = prepared.run(progress=progress, tell=tell_beside)
    except KeyboardInterrupt:
        tell(f"interrupted: {_KEPT}")
        raise typer.Exit(130) from None
    except OperationError:  # the content failed verification, so none of its parts are kept
        raise
    except Exception:
        tell(f"not finished: {_KEPT}")
        raise
    if as_json:
        print_json(staging_document(staging, manifest))
        return
    place = staging.destination
    tell(
        f"manifest: {place.manifest_url}; it records the commit, so the component needs neither revision= nor "
        "token_secret="
    )
    say(f'weights="{place.url}",')


def _abort(destination: str, region: str | None, *, as_json: bool) -> None:
    from replicas.staging import end_unfinished_uploads

    place, ended = end_unfinished_uploads(destination, region=region)
    if as_json:
        print_json({"schema": "replicas.ended-uploads/1", "ended_uploads": ended})
    else:
        say(f"aborted {ended} unfinished {'upload' if ended == 1 else 'uploads'} under {place.url}")
