"""Check the variables of containers with SGLang's own argument parser.

    PYTHONPATH=.oracle/sglang/versions/0.5.20 .oracle/sglang/bin/python -m scripts.oracle.engine.parse_sglang \
        < containers.jsonl > verdicts.jsonl

Lines of input and output have the format of `parse`. Only the parser runs, because the later steps of SGLang need the
model and a GPU.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import sys
from typing import Any

from sglang.srt.environ import envs
from sglang.srt.server_args import ServerArgs

from scripts.oracle.engine.container import SGLANG_PREFIX, arguments, settings
from scripts.oracle.engine.reading import misread


def main() -> None:
    """Answer each line of stdin with a line on stdout."""
    parser = argparse.ArgumentParser()
    ServerArgs.add_cli_args(parser)
    for line in sys.stdin:
        case = json.loads(line)
        print(json.dumps({"name": case["name"], **verdict(parser, case["environment"])}), flush=True)


def verdict(parser: argparse.ArgumentParser, environment: dict[str, str]) -> dict[str, Any]:
    """Return the reason why the engine refuses the arguments, or the arguments that it misreads; in both cases also the
    variables that it does not know.
    """
    unknown = sorted(name for name in environment if name.startswith("SGLANG_") and not hasattr(envs, name))
    said = io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            parsed = parser.parse_args(arguments(environment, SGLANG_PREFIX))
    except SystemExit:
        return {"refused": said.getvalue().strip().splitlines()[-1], "unknown_variables": unknown}
    return {"misread": misread(settings(environment, SGLANG_PREFIX), parsed, parser), "unknown_variables": unknown}


if __name__ == "__main__":
    main()
