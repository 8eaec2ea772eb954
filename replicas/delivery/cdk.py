"""Runs the CDK CLI: synthesises one stack, and deploys it from the cloud assembly that was checked."""

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
"""Seconds to wait for the CLI to exit after an interrupt, before it is killed."""


class Deploy:
    """A running `cdk deploy`. It has its own process group, so Ctrl-C does not reach it. `interrupt` stops it."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self._process = process
        self._output = output

    def ended_within(self, seconds: float) -> bool:
        """Wait at most `seconds` for the CLI to exit. Return whether it has exited."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    @property
    def has_succeeded(self) -> bool:
        """True if the CLI exited with code 0."""
        return self._process.poll() == 0

    @property
    def message(self) -> str:
        """Error message of the CLI in one line."""
        return app_message(self._output.read_text(errors="replace"))

    def interrupt(self) -> None:
        """Stop the CLI. CloudFormation continues the deployment that has started."""
        for number in (signal.SIGINT, signal.SIGKILL):
            if self._process.poll() is None:
                os.killpg(self._process.pid, number)
                self.ended_within(_PATIENCE_SECONDS)


def synthesise(name: str, region: str) -> None:
    """Synthesise the stack of a deployment to cdk.out.

    Raises:
        OperationError: the current folder has no CDK app, the CLI is not installed, or the app fails.

    """
    if not _SETTINGS.is_file():
        raise OperationError(f"{Path.cwd()} contains no {_SETTINGS}: run the command in the folder of the CDK app")
    arguments = ["cdk", "synth", name, "--quiet", "--no-notices", f"--output={ASSEMBLY}"]
    (done,) = run([Command(arguments, Path.cwd(), _environment(region))])
    if done.code:
        raise OperationError(f"{name} cannot be synthesised: {app_message(done.stderr)}")


@contextmanager
def deploying(name: str, region: str) -> Iterator[Deploy]:
    """Deploy a stack from cdk.out. When the context ends, a CLI that still runs is stopped."""
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
    """Return the environment variables of the CLI. The project's own tools come first in PATH, and the
    region is set.
    """
    tools = (Path.cwd() / "node_modules" / ".bin", Path(sys.prefix, "bin"))
    return {key: value for key, value in os.environ.items() if key != "FORCE_COLOR"} | {
        "AWS_REGION": region,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "true",
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "PATH": os.pathsep.join([*map(str, tools), os.environ.get("PATH", os.defpath)]),
    }
