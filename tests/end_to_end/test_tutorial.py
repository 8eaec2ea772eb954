"""docs/tutorials/embedded.md: every command runs as it is written, and prints what the page shows."""

from __future__ import annotations

import doctest
import json
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.end_to_end

PAGE = ROOT / "docs" / "tutorials" / "embedded.md"
MARK = "@@ exit code "
EXIT_CODES = {"replicas preflight qwen3-8b": 1}
"""Commands of the page that end with another exit code than 0, as the page says."""


class Step(NamedTuple):
    """A command of the page, and the output that the page shows."""

    command: str
    shown: str


def steps(page: str) -> list[Step]:
    blocks = re.findall(r"^( *)```console\n(.*?)^ *```", page, re.DOTALL | re.MULTILINE)
    text = "".join(textwrap.dedent(block) for _, block in blocks)
    return [Step(*part.partition("\n")[::2]) for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]]


def run(commands: list[str], folder: Path) -> list[tuple[int, str]]:
    """Exit code and output of each command. One shell runs them in a copy of the app, on a port of its own."""
    (folder / "deployments.py").write_text((ROOT / "deployments.py").read_text())
    (folder / "cdk.json").write_text(json.dumps({"app": f"{sys.executable} {ROOT / 'app.py'}"}))
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    script = "".join(f"{{ {command}\n}} 2>&1; code=$?; echo; echo '{MARK}'$code\n" for command in commands)
    script = script.replace("local start", "local start --port 0 --time-scale 240")
    script = script.replace("local stop", 'local stop --port "${AWS_ENDPOINT_URL##*:}"')
    tools = (Path(sys.executable).parent, ROOT / "node_modules" / ".bin", os.environ["PATH"])
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(map(str, tools)),
        "COLUMNS": "100",
        "XDG_CACHE_HOME": str(folder / "cache"),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
    }
    done = subprocess.run(["bash"], input=script, cwd=folder, env=environment, capture_output=True, text=True)
    *outputs, _ = re.split(rf"{MARK}(\d+)\n", done.stdout)
    return [(int(code), output) for output, code in zip(outputs[::2], outputs[1::2], strict=True)]


def test_every_command_of_the_tutorial_prints_what_the_page_shows(tmp_path: Path) -> None:
    tutorial = steps(PAGE.read_text())
    checker = doctest.OutputChecker()
    same = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

    outputs = run([step.command for step in tutorial], tmp_path)

    assert len(outputs) == len(tutorial) > 10
    others = [
        f"$ {step.command}\nexit code {code}\n{output}"
        for step, (code, output) in zip(tutorial, outputs, strict=True)
        if code != EXIT_CODES.get(step.command, 0) or not checker.check_output(step.shown, output, same)
    ]
    assert others == [], "\n".join(others)
