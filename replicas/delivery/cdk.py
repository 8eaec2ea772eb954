"""The CDK CLI of the project: synthesise one stack, and deploy it from the assembly that was checked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from replicas.errors import OperationError
from replicas.review.offline_cdk import app_message
from replicas.review.processes import Command, run

ASSEMBLY = Path("cdk.out")
_SETTINGS = Path("cdk.json")
_PATIENCE_SECONDS = 20.0
"""Time that the CLI gets to end after an interrupt."""


class Deploy:
    """A running `cdk deploy`, in a process group of its own: an interrupt reaches it only through `interrupt`."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    def ended_within(self, seconds: float) -> bool:
        """Wait for the end of the CLI, at most so long. True if it has ended."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def has_succeeded(self) -> bool:
        """True if the CLI has ended with exit code 0."""
        return self._process.poll() == 0

    @property
    def message(self) -> str:
        """What the CLI says about a failure, in one line."""
        return app_message(self._output.read_text(errors="replace"))

    def interrupt(self) -> None:
        """End the CLI. CloudFormation goes on with what it has begun."""
        for number in (signal.SIGINT, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, number)
                self.ended_within(_PATIENCE_SECONDS)


def synthesise(name: str, region: str) -> None:
    """Write the assembly with the stack of a deployment to cdk.out.

    Raises:
        OperationError: this is no folder of a CDK app, the CLI is not installed, or the app fails.

    """
    if not _SETTINGS.is_file():
        raise OperationError(f"no {_SETTINGS} in {Path.cwd()}: run this in the folder of the CDK app")
    arguments = ["cdk", "synth", name, "--quiet", "--no-notices", f"--output={ASSEMBLY}"]
    (done,) = run([Command(arguments, Path.cwd(), _environment(region))])
    if done.code:
        raise OperationError(f"{name} cannot be synthesised: {app_message(done.stderr)}")


@contextmanager
def deploying(name: str, region: str) -> Iterator[Deploy]:
    """Deploy a stack from the assembly. The CLI ends with the context at the latest."""
    arguments = [
        "cdk",
        "deploy",
        name,
        f"--app={ASSEMBLY}",
        "--exclusively",
        "--require-approval=never",
        "--no-notices",
    ]
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "output")
        with output.open("wb") as file:
            process = subprocess.Popen(  # noqa: S603 (the CLI of the project)
                [*arguments, "--progress=events", "--no-color"],
                env=_environment(region),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deploy = Deploy(process, output)
        try:
            yield deploy
        finally:
            deploy.interrupt()


def _environment(region: str) -> Mapping[str, str]:
    """Return the environment of the CLI: the tools of the project come first, and the region is that of the command."""
    tools = (Path.cwd() / "node_modules" / ".bin", Path(sys.prefix, "bin"))
    return {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"} | {
        "AWS_REGION": region,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "PATH": os.pathsep.join([*map(str, tools), os.environ.get("PATH", os.defpath)]),
    }
