"""`replicas verify`: AWS's own benchmark job as the judge, beside the forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from replicas.cli.app import ComponentName, EndpointName, Json, Name, Region, app, print_json, show, tell
from replicas.cli.parsing import ProfileFile

if TYPE_CHECKING:
    from replicas.benchmark.subject import Subject
    from replicas.benchmark.verify import Judgement, Order
    from replicas.engines.profile import Profile
    from replicas.forecast import Forecast


@app.command()
def verify(
    name: Name = None,
    endpoint: EndpointName = None,
    component: ComponentName = None,
    region: Region = None,
    users: Annotated[str, typer.Option(metavar="N,...", help="Numbers of users, a job each.")] = "100",
    duration: Annotated[float, typer.Option(min=1, help="Seconds of each job's load.")] = 90,
    input_tokens: Annotated[int, typer.Option(min=1, help="Length of a prompt.")] = 1000,
    output_tokens: Annotated[int, typer.Option(min=1, help="Length of an answer.")] = 50,
    output: Annotated[str | None, typer.Option(metavar="S3-URI", help="Where AWS puts the results.")] = None,
    role: Annotated[
        str | None,
        typer.Option(metavar="ARN", help="SageMaker takes it on: it may invoke the endpoint and write to --output."),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Repository whose tokenizer counts. Default: the model's.")
    ] = None,
    token_secret: Annotated[
        str | None, typer.Option(metavar="ARN", help="Secret with a Hugging Face token, for that tokenizer.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the job and its workload configuration.")] = False,
    list_jobs: Annotated[bool, typer.Option("--list", help="Only list the deployment's jobs.")] = False,
    clean: Annotated[bool, typer.Option("--clean", help="Only delete what earlier runs left behind.")] = False,
    profile: ProfileFile = None,
    as_json: Json = False,
) -> None:
    """Have AWS's own benchmark job (AIPerf) measure a deployment, beside the forecast. Billed by AWS.

    It speaks OpenAI's chat, so the engine must take messages. Results stay in S3; the job and its workload are
    deleted.
    """
    from replicas.aws.deployed import find_deployed
    from replicas.aws.session import Aws
    from replicas.benchmark.subject import find_subject
    from replicas.benchmark.verify import Order, judge
    from replicas.cli.parsing import profile_of, users_of
    from replicas.engines import dialects

    counts = users_of(users)
    if list_jobs and clean:
        raise typer.BadParameter("--list shows, --clean deletes: one of the two")
    aws = Aws(region)
    if list_jobs or clean:
        _without_a_job(aws, name or endpoint, clean=clean, as_json=as_json)
        return
    if output is None or role is None:
        raise typer.BadParameter("a job needs --output s3://bucket/prefix/ and --role ARN")
    forecast_profile = profile_of(profile)
    deployed = find_deployed(aws, name, endpoint)
    subject = find_subject(aws, deployed, deployed.component(component))
    if not dialects()[subject.dialect].takes_messages:
        _refuse(f"the job speaks OpenAI's chat, and {subject.image} does not: `replicas benchmark` measures it")
    orders = [
        Order(
            users=count,
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            duration_seconds=duration,
            model=tokenizer or subject.model,
            output=output,
            role_arn=role,
            token_secret_arn=token_secret,
        )
        for count in counts
    ]
    problems = orders[0].problems()
    if problems:
        _refuse("; ".join(problems))
    judged = [
        judge(aws, deployed.name, subject.endpoint, subject.component, order, tell=tell, keep=keep) for order in orders
    ]
    told, missing = _forecast(subject, orders, forecast_profile)
    if as_json:
        print_json(_document(judged, told, missing))
    else:
        _present(judged, told, missing)


def _refuse(message: str) -> None:
    from replicas.errors import OperationError

    raise OperationError(message)


def _without_a_job(aws: Any, deployment: str | None, *, clean: bool, as_json: bool) -> None:
    from replicas.benchmark.verify import clean_up, jobs, left_behind

    if deployment is None:
        raise typer.BadParameter("give the NAME of a deployment, or --endpoint")
    if clean:
        gone = left_behind(aws, deployment)
        for job in gone:
            clean_up(aws, job, tell=tell)
        if as_json:
            print_json({"schema": "replicas.verification-cleanup/1", "deleted": gone})
        else:
            print(f"deleted: {', '.join(gone) or 'nothing was there'}")
        return
    found = [
        {
            "job": job["AIBenchmarkJobName"],
            "status": job["AIBenchmarkJobStatus"],
            "created": job["CreationTime"].isoformat(timespec="seconds"),
        }
        for job in jobs(aws, deployment)
    ]
    if as_json:
        print_json({"schema": "replicas.verification-jobs/1", "jobs": found})
    else:
        print("\n".join(f"{job['created']}  {job['status']:<10}  {job['job']}" for job in found) or "no jobs")


def _forecast(subject: Subject, orders: list[Order], profile: Profile | None) -> tuple[Forecast | None, str | None]:
    """The forecast of the same loads, or why there is none."""
    from replicas.benchmark.beside import planned, routing_of
    from replicas.errors import ReplicasError
    from replicas.forecast import Load
    from replicas.forecast import forecast as forecast_component

    loads = [
        Load(users=order.users, input_tokens=order.input_tokens, output_tokens=order.output_tokens) for order in orders
    ]
    try:
        endpoint, component = planned(subject)
        told = forecast_component(
            endpoint,
            component,
            loads,
            duration_seconds=orders[0].duration_seconds,
            routing=routing_of(subject),
            profile=profile,
        )
    except ReplicasError as refusal:
        return None, str(refusal)
    return told, None


_COMPARED = {
    "requests_per_second": "requests_per_second_window",
    "latency_p50_seconds": "latency_p50_seconds",
    "ttft_p50_seconds": "ttft_p50_seconds",
}
"""What a job measures, and what the forecast calls it: AIPerf's throughput is over the duration."""


def _beside(judged: list[Judgement], told: Forecast | None) -> list[dict[str, Any]]:
    rows = []
    for number, judgement in enumerate(judged):
        point = told.points[number] if told else None
        row = {**vars(judgement), "forecast": None, "errors": None}
        if point:
            expected = {mine: getattr(point, theirs) for mine, theirs in _COMPARED.items()}
            row["forecast"] = expected
            row["errors"] = {
                mine: value / getattr(judgement, mine) - 1
                for mine, value in expected.items()
                if value is not None and getattr(judgement, mine)
            }
        rows.append(row)
    return rows


def _document(judged: list[Judgement], told: Forecast | None, missing: str | None) -> dict[str, Any]:
    return {
        "schema": "replicas.verification/1",
        "points": _beside(judged, told),
        "confidence": told.confidence if told else None,
        "basis": told.basis if told else None,
        "no_forecast": missing,
    }


def _present(judged: list[Judgement], told: Forecast | None, missing: str | None) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for title in ("users", "requests", "req/s", "forecast", "off by", "p50 s", "forecast", "off by", "TTFT p50 s"):
        table.add_column(title, justify="right")
    for row in _beside(judged, told):
        cells = [f"{row['users']:,}", f"{row['requests']:,}"]
        for metric in ("requests_per_second", "latency_p50_seconds"):
            cells += [
                _number(row[metric]),
                _number(row["forecast"][metric]) if row["forecast"] else "-",
                f"{row['errors'][metric]:+.0%}" if row["errors"] and metric in row["errors"] else "-",
            ]
        table.add_row(*cells, _number(row["ttft_p50_seconds"]))
    show(table)
    for judgement in judged:
        print(f"{judgement.users} users: {judgement.result}")
    print(f"no forecast: {missing}" if told is None else f"forecast: {told.confidence} ({told.basis})")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
