"""Check the variables of vLLM's and LMI's containers with vLLM's own argument parser.

    .oracle/bin/python -m scripts.oracle.engine.parse < containers.jsonl > verdicts.jsonl

A line of input is `{"name": ..., "engine": ..., "environment": {...}}`; a line of output says why the parser
refuses the arguments, which arguments it misreads, and which variables the engine does not know.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from typing import Any

os.environ["VLLM_LOGGING_LEVEL"] = "ERROR"

from vllm import envs
from vllm.config.scheduler import SchedulerConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.entrypoints.launchers.cli_args import make_arg_parser, validate_parsed_serve_args
from vllm.utils.argparse_utils import FlexibleArgumentParser

from scripts.oracle.engine import container, lmi
from scripts.oracle.engine.reading import misread

_ARGUMENTS = frozenset(AsyncEngineArgs.__dataclass_fields__)


def main() -> None:
    """Answer each line of stdin with a line on stdout."""
    parser = make_arg_parser(FlexibleArgumentParser())
    for line in sys.stdin:
        case = json.loads(line)
        print(json.dumps({"name": case["name"], **verdict(parser, case["environment"], case["engine"])}), flush=True)


def verdict(parser: FlexibleArgumentParser, environment: dict[str, str], engine: str) -> dict[str, Any]:
    """Return the reason why the engine refuses the arguments, or the arguments that it misreads; in both cases also the
    variables that it does not know.
    """
    unknown = sorted(
        name for name in environment if name.startswith("VLLM_") and name not in envs.environment_variables
    )
    if engine == "lmi":
        given, unknown = lmi.settings(environment), [*unknown, *lmi.dropped(environment, _ARGUMENTS)]
        command = lmi.arguments(environment, _ARGUMENTS)
    else:
        given = container.settings(environment)
        command = container.arguments(environment)
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            parsed = parser.parse_args(command)
            validate_parsed_serve_args(parsed)
            _check_batch(AsyncEngineArgs.from_cli_args(parsed))
    except SystemExit:
        return {"refused": said.getvalue().strip().splitlines()[-1], "unknown_variables": unknown}
    except (TypeError, ValueError) as fault:
        return {"refused": str(fault), "unknown_variables": unknown}
    return {"misread": misread(given, parsed, parser), "unknown_variables": unknown}


def _check_batch(engine: AsyncEngineArgs) -> None:
    """Let the engine check the limits of a batch against each other."""
    SchedulerConfig(
        max_num_batched_tokens=engine.max_num_batched_tokens or SchedulerConfig.max_num_batched_tokens,
        max_num_seqs=engine.max_num_seqs or SchedulerConfig.max_num_seqs,
        max_model_len=engine.max_model_len or 1,
        is_encoder_decoder=False,
    ).verify_max_model_len(engine.max_model_len or 1)


if __name__ == "__main__":
    main()
