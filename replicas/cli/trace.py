"""`replicas trace`: makes a request trace from SageMaker's data capture."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from replicas.cli.app import Json, Region, app, print_json, say, tell
from replicas.units import rate_text


@app.command()
def trace(
    source: Annotated[
        str, typer.Argument(metavar="S3-URI|FOLDER", help="Files of data capture: s3://bucket/prefix, or a folder.")
    ],
    out: Annotated[Path, typer.Option(help="File to write, JSON lines.")] = Path("trace.jsonl"),
    region: Region = None,
    as_json: Json = False,
) -> None:
    """Make a trace for --trace from captured requests: arrival times, lengths, and shared prefixes of prompts.

    The trace contains no text. Lengths come from the usage field of the answers, else from the number of characters.
    """
    from replicas.benchmark.capturing import make_trace
    from replicas.cli.region import region_of

    made = make_trace(source, out, region=region_of(region, None), tell=tell)
    if as_json:
        print_json(made.to_document())
        return
    rate = made.trace.requests_per_second
    say(
        f"{out}: {len(made.trace.requests):,} requests over {made.trace.seconds:,.0f} s"
        f"{f' ({rate_text(rate)} a second)' if rate else ''}, {made.trace.input_tokens_mean:,.0f} tokens in, "
        f"{made.trace.output_tokens_mean:,.0f} out on average"
    )
