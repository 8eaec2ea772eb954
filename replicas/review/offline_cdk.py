"""The CDK CLI without an account: synthesise a checkout, read its cloud assembly, compare templates.

The environment of the app and the CLI has no credentials and no way to find any. Files that they write to the temporary
folder or to the CLI's home folder are deleted with the work folder.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from replicas.errors import ReviewError, SynthesisError
from replicas.installation import editable_paths
from replicas.review.processes import Command, one_line, run
from replicas.template.assertions import refusal_of
from replicas.template.changes import Stack

TOOLS = (Path(sys.prefix, "bin"), Path(__file__).resolve().parents[2] / "node_modules" / ".bin")

# Python imports this module at start-up, after it has read the path files of the virtual environment.
SITECUSTOMIZE = """import os, sys
hidden = os.environ["DIFF_HIDDEN_PATHS"].split(os.pathsep)
sys.path[:] = [path for path in sys.path if path not in hidden]
"""
# Lines of the CLI that are not part of the message of the app.
CLI_NOISE = re.compile(
    r"(: Subprocess exited with error \d+|^Synthesis finished with errors|feature flags are not config.*)$"
)


@dataclass(frozen=True)
class Synthesised:
    """A stack in a cloud assembly: its template, and its id for the CDK CLI."""

    id: str
    name: str
    assembly: Path
    template: Path
    stack: Stack


def synthesise(sources: Mapping[str, Path], work: Path) -> dict[str, dict[str, Synthesised]]:
    """Synthesise all sources in parallel. Return the stacks of each source, by name. Call `prepare(work)` first."""
    assemblies = {label: work / f"assembly-{number}" for number, label in enumerate(sources)}
    options = ["--quiet", "--no-lookups", "--no-notices"]
    commands = [
        Command(
            ["cdk", "synth", *options, f"--output={assemblies[label]}"],
            source,
            offline_environment(work, [source, source / "constructs"]),
        )
        for label, source in sources.items()
    ]
    for label, synth in zip(sources, run(commands), strict=True):
        if synth.code and not _fails_alone(assemblies[label], work, options):
            raise SynthesisError(label, app_message(synth.stderr))
    return {label: by_name(list(read_assembly(assembly))) for label, assembly in assemblies.items()}


def _fails_alone(assembly: Path, work: Path, options: Sequence[str]) -> bool:
    """Return whether only stacks of refused deployments have errors in an assembly."""
    if not (assembly / "manifest.json").is_file():
        return False
    stacks = list(read_assembly(assembly))
    sound = [stack.id for stack in stacks if refusal_of(stack.stack.template) is None]
    if len(sound) == len(stacks):
        return False
    command = ["cdk", "synth", *options, f"--app={assembly}", "--exclusively", *sound]
    return not sound or run([Command(command, work, offline_environment(work))])[0].code == 0


def prepare(work: Path) -> None:
    """Create the folders in `work` that `offline_environment` uses."""
    for folder in ("site", "temporary"):
        (work / folder).mkdir()
    (work / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE)


def offline_environment(work: Path, modules: Sequence[Path] = ()) -> dict[str, str]:
    """Return environment variables without AWS settings, with which Python imports this project only from `modules`."""
    dropped = ("AWS_", "CDK_DEFAULT_", "FORCE_COLOR")
    hidden = set(editable_paths()) - set(map(str, modules))
    return {key: value for key, value in os.environ.items() if not key.startswith(dropped)} | {
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "CDK_HOME": str(work / "cdk-home"),
        "DIFF_HIDDEN_PATHS": os.pathsep.join(sorted(hidden)),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "PATH": os.pathsep.join([*map(str, TOOLS), os.environ.get("PATH", os.defpath)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHON_COLORS": "0",  # Python 3.13 and later would colour tracebacks under the CLI
        "PYTHONPATH": os.pathsep.join(map(str, [work / "site", *modules])),
        "TMPDIR": str(work / "temporary"),
    }


def read_assembly(assembly: Path) -> Iterator[Synthesised]:
    """Yield the stacks of a cloud assembly and of its nested assemblies (CDK stages)."""
    for key, artifact in json.loads((assembly / "manifest.json").read_bytes()).get("artifacts", {}).items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            yield from read_assembly(assembly / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack":
            template = assembly / properties["templateFile"]
            stack = Stack(json.loads(template.read_bytes()), artifact["environment"])
            yield Synthesised(key, properties.get("stackName", key), assembly, template, stack)


def by_name(stacks: Sequence[Synthesised]) -> dict[str, Synthesised]:
    """Return the stacks by the name of the deployed stack. If stacks share a name, their environment is appended."""
    count = Counter(stack.name for stack in stacks)
    return {
        stack.name if count[stack.name] == 1 else f"{stack.name} ({stack.stack.environment})": stack for stack in stacks
    }


def cdk_diffs(
    pairs: Mapping[str, tuple[Synthesised, Synthesised]], work: Path, *, colours: bool = False
) -> dict[str, str]:
    """Return the CLI's diff of each pair of old and new stack, by name. Pairs without a difference are omitted."""
    options = ["--strict", "--ci", "--no-notices", "--fail-on=never", "--color" if colours else "--no-color"]
    environment = offline_environment(work)
    commands = [
        Command(
            ["cdk", "diff", f"--app={new.assembly}", f"--template={old.template}", *options, new.id], work, environment
        )
        for old, new in pairs.values()
    ]
    diffs: dict[str, str] = {}
    for name, diff in zip(pairs, run(commands), strict=True):
        if diff.code:
            raise ReviewError(f"cdk diff of {name} fails: {app_message(diff.stderr)}")
        if text := diff_body(diff.stdout):
            diffs[name] = text
    return diffs


def diff_body(output: str) -> str:
    """Return the diff in the output of `cdk diff`, without the first line (stack name) and the last (stack count)."""
    body = output.strip("\n").partition("\n")[2]
    body = re.sub(r"\s*[^\n]*Number of stacks with differences: \d+\s*\Z", "", body)
    return "" if body.strip() == "There were no differences" else body.rstrip()


def app_message(stderr: str) -> str:
    """Return the error of a failed app in one line: its exception or its last lines, without traceback."""
    lines = [line for line in stderr.splitlines() if line.strip() and not CLI_NOISE.search(line)]
    findings = [line for line in lines if line.startswith("ERROR ")]
    if findings:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        return one_line(findings[0].removeprefix("ERROR ")) + more
    traceback = max((number for number, line in enumerate(lines) if line.startswith("Traceback (")), default=-1)
    lines = lines[traceback + 1 :]
    while traceback >= 0 and len(lines) > 1 and lines[0].startswith(" "):
        del lines[0]
    return one_line("\n".join(lines)) or "it printed no message"
