"""Runs the steps of the article on this computer, without an AWS account and without cost: `make demo`.

Every step is a command that works unchanged with AWS. In the demo, environment variables point it to a simulated AWS.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
NAME = "llama-2-13b"
_ROW = re.compile(rf'(article\("{NAME}", [^)]*copies=)8\b')
_TOOLS = (Path(sys.executable).parent, ROOT / "node_modules" / ".bin")


class DemoError(Exception):
    """A step of the demo failed."""


def main() -> None:
    """Run all steps, and always stop the simulated AWS at the end."""
    began = time.monotonic()
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([*map(str, _TOOLS), os.environ.get("PATH", os.defpath)]),
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
    }
    for ending in (signal.SIGTERM, signal.SIGHUP):  # handle them like Ctrl-C, so that no process keeps running
        if signal.getsignal(ending) is signal.SIG_DFL:
            signal.signal(ending, signal.default_int_handler)
    try:
        with embedded_aws(environment) as aws, changed_copies() as changed:
            steps(aws, changed)
    except DemoError as fault:
        sys.exit(f"\n{fault}; the embedded AWS is stopped, all its resources are gone")
    except KeyboardInterrupt:
        sys.exit("\ninterrupted; the embedded AWS is stopped, all its resources are gone")
    print(f"\nthe demo took {time.monotonic() - began:.0f} s, without an AWS account")


def steps(environment: Mapping[str, str], changed: Path) -> None:
    """Run the steps of the article, then change the deployment."""

    def step(title: str, *command: str, folder: Path = ROOT) -> None:
        say(title)
        run(command, environment, folder)

    cdk = ("--require-approval=never", "--ci", "--no-notices", "--progress", "events")
    written = ("--app", "cdk.out")  # use the templates of the previous step, without a second synth of all deployments
    say("bootstrap the embedded AWS for the CDK, and write the templates of all deployments at the same time")
    account = f"aws://123456789012/{environment['AWS_REGION']}"
    bootstrap = ("cdk", "bootstrap", account, "--app", "", "--ci", "--no-notices")
    run_together({bootstrap: 1, ("cdk", "synth", "--quiet", "--no-notices"): 40}, environment)
    step("deploy: 8 copies of Llama 2 13B on one instance", "cdk", "deploy", NAME, *written, *cdk)
    step("show the deployed endpoint", "replicas", "status", NAME)
    step("chat", "replicas", "chat", NAME, "What is an inference component?")
    load = ("--users=100,500", "--duration=20", "--warmup=1")
    step("run the benchmark, and compare with the article's table", "replicas", "benchmark", NAME, *load)
    step("review a change: one copy fewer", "cdk", "diff", NAME, "--ci", "--no-notices", folder=changed)
    step("deploy the change: an update in place", "cdk", "deploy", NAME, *written, *cdk, folder=changed)
    step("show the deployed endpoint again", "replicas", "status", NAME)
    step("destroy", "cdk", "destroy", NAME, *written, "--force", "--ci", "--no-notices")
    step("list the resources that are still billed", "replicas", "bills")


@contextmanager
def embedded_aws(environment: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Start a simulated AWS. Yield the environment variables that point commands to it."""
    say("start an embedded AWS")
    command = ["replicas", "local", "start", "--port=0", "--time-scale=240", "--skip-bootstrap", "--json"]
    print(f"$ {shlex.join(command)}", flush=True)
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False, cwd=ROOT)
    if done.returncode:
        raise DemoError("the embedded AWS did not start")
    started = json.loads(done.stdout)
    try:
        yield {**environment, **started["environment"]}
    finally:
        stop = ["replicas", "local", "stop", f"--port={started['port']}"]
        subprocess.run(stop, env=environment, stdout=subprocess.DEVNULL, check=False, cwd=ROOT)


@contextmanager
def changed_copies() -> Iterator[Path]:
    """Yield a folder with a changed `deployments.py` that declares one copy fewer. The user's file stays unchanged."""
    text, count = _ROW.subn(r"\g<1>7", (ROOT / "deployments.py").read_text())
    if not count:
        raise DemoError(f'deployments.py has no article("{NAME}", ..., copies=8): the demo shows a change of that row')
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "deployments.py").write_text(text)
        settings = json.loads((ROOT / "cdk.json").read_text())
        settings["app"] = shlex.join([sys.executable, str(ROOT / "app.py")])
        (folder / "cdk.json").write_text(json.dumps(settings))
        yield folder


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
    """Print a command and run it. Its output goes to the terminal."""
    print(f"$ {shlex.join(command)}", flush=True)
    done = subprocess.run(_with_path(command, environment), env=environment, cwd=folder, check=False)
    if done.returncode:
        raise DemoError(f"`{shlex.join(command)}` ended with exit code {done.returncode}")


def run_together(commands: Mapping[tuple[str, ...], int], environment: Mapping[str, str]) -> None:
    """Run commands at the same time. Print each command with the last lines of its output, or all lines if it fails.

    Args:
        commands: the commands, in the order in which they are printed, each with the number of lines to print.
        environment: the environment of all of them.

    """
    running: list[tuple[tuple[str, ...], subprocess.Popen[str], IO[str]]] = []
    with ExitStack() as ending:
        for command in commands:
            output: IO[str] = ending.enter_context(tempfile.TemporaryFile("w+"))
            process = ending.enter_context(
                subprocess.Popen(
                    _with_path(command, environment),
                    env=environment,
                    cwd=ROOT,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    text=True,
                )
            )
            ending.callback(process.kill)  # does nothing to a process that has ended
            running.append((command, process, output))
        for command, process, written in running:
            print(f"$ {shlex.join(command)}", flush=True)
            code = process.wait()
            written.seek(0)
            lines = written.readlines()
            print("".join(lines if code else lines[-commands[command] :]), end="", flush=True)
            if code:
                raise DemoError(f"`{shlex.join(command)}` ended with exit code {code}")


def _with_path(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Return a command in which the name of the program is replaced by its path. The program is searched in the `PATH`
    of the environment.
    """
    return [shutil.which(command[0], path=environment["PATH"]) or command[0], *command[1:]]


def say(title: str) -> None:
    """Print the title of the next step."""
    print(f"\n=== {title}", flush=True)


if __name__ == "__main__":
    main()
