"""`replicas verify`: measures a deployment with AWS's own benchmark job, and compares the result with the forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, say, show, tell
from replicas.cli.load_flags import load_flags
from replicas.cli.parsing import ProfileFile
from replicas.cli.region import region_of
from replicas.errors import UsageError
from replicas.load import Load
from replicas.load.options import DEFAULT_SECONDS, LoadOptions

if TYPE_CHECKING:
    from replicas.benchmark import Verification

_BASE = Load(users=100, input_tokens=1000, output_tokens=50)
"""Default load of a job: the smallest load of the article."""


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
            help="Role that SageMaker assumes for the job. It must have the rights to invoke the endpoint and to write "
            "to --output.",
        ),
    ] = None,
    tokenizer: Annotated[
        str | None,
        typer.Option(help="Hub repository whose tokenizer counts the tokens. Default: the model's repository."),
    ] = None,
    token_secret: Annotated[
        str | None, typer.Option(metavar="ARN", help="Secret with a Hugging Face token, if the tokenizer is gated.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Do not delete the job and its workload configuration.")] = False,
    list_jobs: Annotated[bool, typer.Option("--list", help="Only list the deployment's jobs.")] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="Only delete the jobs and configurations of earlier runs.")
    ] = False,
    against: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...",
            help="Other deployments to compare. Jobs run only for deployments that the forecasts cannot rank.",
        ),
    ] = None,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Measure a deployment with AWS's own benchmark job (AIPerf), and compare the result with the forecast.

    AWS bills the job. The job sends OpenAI chat requests, so the engine must accept messages. Results stay in S3; the
    job is deleted.
    """
    from replicas.benchmark import compare
    from replicas.benchmark import verify as run_verification
    from replicas.cli.parsing import profile_of
    from replicas.cli.tables.benchmark import candidates_table, verification_lines, verification_table

    loads = load_options.loads(_BASE, tell)
    if list_jobs and clean:
        raise UsageError("--list prints jobs, --clean deletes them: give only one of the two")
    if list_jobs:
        _list(name or endpoint, region_of(region, name), as_json=as_json)
        return
    if clean:
        _clean(name or endpoint, region_of(region, name), as_json=as_json)
        return
    if output is None or role is None:
        raise UsageError("a job needs --output s3://bucket/prefix/ and --role ARN")
    seconds = DEFAULT_SECONDS if load_options.duration is None else load_options.duration
    fitted = profile_of(profile)

    def measure(deployment: str | None) -> Verification:
        return run_verification(
            deployment,
            loads=loads,
            output=output or "",
            role=role or "",
            endpoint=endpoint,
            component=component,
            region=region_of(region, deployment),
            duration_seconds=seconds,
            tokenizer=tokenizer,
            token_secret=token_secret,
            keep=keep,
            profile=fitted,
            tell=tell,
        )

    if against is not None:
        if name is None or endpoint is not None or component is not None:
            raise UsageError("--against compares stacks by NAME: remove --endpoint and --component")
        names = [name, *(other.strip() for other in against.split(","))]
        compared = compare(
            names,
            loads=loads,
            region=region_of(region, name),
            duration_seconds=seconds,
            profile=fitted,
            measure=measure,
            tell=tell,
        )
        if as_json:
            print_json(compared.to_document())
            return
        show(candidates_table(compared))
        for verification in compared.verifications.values():
            show(verification_table(verification))
            say(*verification_lines(verification))
        return
    done = measure(name)
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
        say(f"deleted: {', '.join(deleted) or 'nothing, because there was no job'}")
