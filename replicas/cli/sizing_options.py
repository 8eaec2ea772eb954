"""Options that describe what is sized: `plan` and `forecast` take them alike (read by `replicas.cli.wishes`)."""

from __future__ import annotations

from typing import Annotated

import typer

from replicas.engines import EXAMPLE, engine_names

FromHub = Annotated[bool, typer.Option("--from-hub", help="Fetch the config.json of --model from the Hub (network).")]
Instances = Annotated[int | None, typer.Option(min=1, help="Number of instances.")]
Engine = Annotated[str | None, typer.Option(help=f"{', '.join(engine_names())}, or one with a version ({EXAMPLE}).")]
Quantization = Annotated[str | None, typer.Option(help="gptq, awq, fp8, bitsandbytes, ...")]
Copies = Annotated[int | None, typer.Option(min=1, help="Copies. Default: as many as fit.")]
TensorParallel = Annotated[int | None, typer.Option(min=1, help="Accelerators per copy.")]
MaxInputTokens = Annotated[int | None, typer.Option(min=1, help="Longest prompt.")]
MaxTotalTokens = Annotated[int | None, typer.Option(min=1, help="Longest request, prompt and answer.")]
GpuMemoryShare = Annotated[float | None, typer.Option(min=0.01, max=1, help="Part of each card that the engine takes.")]
