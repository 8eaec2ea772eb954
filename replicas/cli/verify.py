"""`replicas verify`: measures a deployment with AWS's own benchmark job, and compares it with the forecast."""

from __future__ import annotations

from typing import Annotated

import typer

from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, say, show, tell
from replicas.cli.load_flags import load_flags
from replicas.cli.parsing import ProfileFile
from replicas.cli.region import region_of
from replicas.errors import UsageError
from replicas.load import Load
from replicas.load.options import DEFAULT_SECONDS, LoadOptions

_BASE = Load(users=100, input_tokens=1000, output_tokens=50)
"""Default load of a job: the first one of the article."""


@app.command()
@load_flags(without=("trace", "shared_tokens", "distinct_prompts"))
def verify(
    load_options: LoadOptions,
    name: Name = None,
    endpoint: EndpointName = None,
    component: ComponentName = None,
    region: Region = None,
    output: Annotated[str | None, typer.Option(metavar="S3-URI", help="Folder in S3 for the results.")] = None,
    role: Annotated[
        str | None,
        typer.Option(
            metavar="ARN",
            help="Role that SageMaker assumes for the job. It may invoke the endpoint and write to --output.",
        ),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Hub repository whose tokenizer counts the tokens. Default: the model's.")
    ] = None,
    token_secret: Annotated[
        str | None, typer.Option(metavar="ARN", help="Secret with a Hugging Face token, for that tokenizer.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Do not delete the job and its workload configuration.")] = False,
    list_jobs: Annotated[bool, typer.Option("--list", help="Only list the deployment's jobs.")] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="Only delete the jobs and configurations of earlier runs.")
    ] = False,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Measure a deployment with AWS's own benchmark job (AIPerf), and compare it with the forecast. AWS bills the job.

    The job sends OpenAI chat requests, so the engine must accept messages. Results stay in S3; the job is deleted.
    """
    from replicas.benchmark import verify as run_verification
    from replicas.cli.parsing import profile_of
    from replicas.cli.tables.benchmark import verification_lines, verification_table

    loads = load_options.loads(_BASE, tell)
    if list_jobs and clean:
        raise UsageError("--list shows, --clean deletes: give only one of the two")
    if list_jobs:
        _list(name or endpoint, region_of(region, name), as_json=as_json)
        return
    if clean:
        _clean(name or endpoint, region_of(region, name), as_json=as_json)
        return
    if output is None or role is None:
        raise UsageError("a job needs --output s3://bucket/prefix/ and --role ARN")
    done = run_verification(
        name,
        loads=loads,
        output=output,
        role=role,
        endpoint=endpoint,
        component=component,
        region=region_of(region, name),
        duration_seconds=DEFAULT_SECONDS if load_options.duration is None else load_options.duration,
        tokenizer=tokenizer,
        token_secret=token_secret,
        keep=keep,
        profile=profile_of(profile),
        tell=tell,
    )
    if as_json:
        print_json(done.to_document())
    else:
        show(verification_table(done))
        say(*verification_lines(done))


def _list(deployment: str | None, region: str | None, *, as_json: bool) -> None:
    from replicas.benchmark import list_jobs

    jobs = list_jobs(deployment, region)
    if as_json:
        print_json({"schema": "replicas.verification-jobs/1", "jobs": jobs})
    else:
        say(*(f"{job['created']}  {job['status']:<10}  {job['job']}" for job in jobs) if jobs else ["no jobs"])


def _clean(deployment: str | None, region: str | None, *, as_json: bool) -> None:
    from replicas.benchmark import delete_jobs

    deleted = delete_jobs(deployment, region, tell=tell)
    if as_json:
        print_json({"schema": "replicas.verification-cleanup/1", "deleted": deleted})
    else:
        say(f"deleted: {', '.join(deleted) or 'nothing, no job was left'}")
