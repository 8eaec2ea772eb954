"""Build both distributions, and test their wheels in new environments, as a user would install them.

    python -m scripts.package [oldest | newest]

Each environment is created outside the checkout: first without extras, then with extras in the oldest versions that
pyproject.toml allows, then in the newest versions. The tests run plan and check, read the message about a missing
extra, synthesise the app of docs/examples, and check that an app with too many copies is refused. No AWS account is
used.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).resolve().parent.parent
DIST = ROOT / "dist"
EXAMPLE = ROOT / "docs" / "examples" / "app.py"
TOOLS = Path(sys.executable).parent
PACKAGES = {"sagemaker_replicas": ["replicas", "replicas_cdk"], "embedded_aws": ["embedded_aws"]}
"""Top-level packages that a wheel may contain, by distribution."""
RESOLUTIONS = {"oldest": "lowest-direct", "newest": "highest"}
EXTRAS = ("aws", "cdk")
PLAN = ("plan", "--model", "llama-2-13b", "--instance", "ml.p4d.24xlarge", "--engine", "tgi-1.1.0", "--copies")


class PackageError(Exception):
    """A wheel contains unexpected packages, or does not work after installation."""


def main(arguments: Sequence[str]) -> None:
    """Build the wheels, then test them with the versions in `arguments`. Default: all versions."""
    names = resolutions_of("package", arguments)
    try:
        wheels = build()
        with tempfile.TemporaryDirectory(prefix="package-") as folder:
            try_base(Environment(Path(folder, "base")), wheels)
            for name in names:
                try_versions(Environment(Path(folder, name)), wheels, RESOLUTIONS[name])
    except PackageError as fault:
        sys.exit(str(fault))


def resolutions_of(target: str, arguments: Sequence[str]) -> list[str]:
    """Return the versions (oldest, newest) that a make target was called with; all by default. Exit if unknown."""
    unknown = set(arguments) - set(RESOLUTIONS)
    if unknown:
        sys.exit(f"make {target} CDK={' '.join(sorted(unknown))}: versions to try are {', '.join(RESOLUTIONS)}")
    return list(arguments or RESOLUTIONS)


def build() -> dict[str, Path]:
    """Build and return the wheels, by distribution. Each is built from its source distribution, to test both."""
    shutil.rmtree(DIST, ignore_errors=True)
    for project in (ROOT, ROOT / "packages" / "embedded-aws"):
        run(TOOLS / "uv", "build", "--quiet", "--out-dir", DIST, project)
    wheels = {distribution: next(DIST.glob(f"{distribution}-*.whl")) for distribution in PACKAGES}
    for distribution, wheel in wheels.items():
        surplus = sorted(top_level(wheel) - set(PACKAGES[distribution]))
        if surplus:
            expected = ", ".join(PACKAGES[distribution])
            raise PackageError(f"{wheel.name} installs {', '.join(surplus)} in addition to {expected}")
        say(f"built {wheel.relative_to(ROOT)}, {wheel.stat().st_size / 2**20:.1f} MiB")
    return wheels


def top_level(wheel: Path) -> set[str]:
    """Return the top-level names that a wheel installs into site-packages, without its metadata."""
    with ZipFile(wheel) as archive:
        names = {name.partition("/")[0] for name in archive.namelist()}
    return {name for name in names if not name.endswith(".dist-info")}


@dataclass(frozen=True)
class Environment:
    """A virtual environment in a working folder outside the checkout."""

    folder: Path
    python: str = sys.executable
    """Python of the environment: a path or a version."""

    def install(self, *requirements: str | Path) -> None:
        """Create the environment and install into it."""
        run(TOOLS / "uv", "venv", "--quiet", "--python", self.python, self.folder / "venv")
        run(TOOLS / "uv", "pip", "install", "--quiet", "--python", self.folder / "venv", *requirements)
        run(TOOLS / "uv", "pip", "check", "--quiet", "--python", self.folder / "venv")

    def version(self, distribution: str) -> str:
        """Return the version of a distribution in the environment."""
        return self.run("python", "-c", f"from importlib.metadata import version; print(version('{distribution}'))")

    def run(self, program: str, *arguments: str | Path, code: int = 0) -> str:
        """Run a program of the environment and return its output.

        Raises:
            PackageError: the exit code is not `code`.

        """
        return run(self.folder / "venv" / "bin" / program, *arguments, cwd=self.folder, code=code)


def try_base(environment: Environment, wheels: dict[str, Path]) -> None:
    """Test the installation without extras."""
    wheel = wheels["sagemaker_replicas"]
    environment.install(wheel)
    environment.run("replicas", "--help")
    environment.run("replicas", "models")
    environment.run("replicas", *PLAN, "8")
    environment.run("replicas", *PLAN, "9", code=1)
    missing = environment.run("replicas", "status", "chat", "--region", "us-west-2", code=1)
    expect(
        missing.count("\n") == 1 and f"{wheel}[aws]" in missing, "a missing extra gives a message of one line", missing
    )
    say("base: replicas --help, models, plan and the message about a missing extra")


def try_versions(environment: Environment, wheels: dict[str, Path], resolution: str) -> None:
    """Synthesise and check the example with the oldest or the newest versions of the extras."""
    install(environment, wheels, resolution)
    name = f"aws-cdk-lib {environment.version('aws-cdk-lib')}".strip()
    environment.run("python", EXAMPLE)
    template = environment.folder / "cdk.out" / "chat.template.json"
    report = json.loads(environment.run("replicas", "check", template, "--json"))
    expect(
        len(report["endpoints"]) == 1 and not report["problems"],
        "replicas check finds no problem in the template of the example",
        report,
    )
    (environment.folder / "over_committed.py").write_text(OVER_COMMITTED.format(source=EXAMPLE.read_text()))
    refusal = environment.run("python", "over_committed.py", code=1)
    expect("over-committed" in refusal, f"{name}: a synth refuses five copies where four fit", refusal)
    environment.run("replicas", *PLAN, "8")
    environment.run("replicas", "--help")
    try_embedded_aws(environment)
    say(f"{name}: synth, refusal of a synth, replicas check, plan, --help, and an embedded AWS")


def install(environment: Environment, wheels: dict[str, Path], resolution: str) -> None:
    """Install both wheels with the oldest or the newest versions of the extras that pyproject.toml allows."""
    environment.folder.mkdir()
    pins = environment.folder / "constraints.txt"
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    compile_pins = ("pip", "compile", "--quiet", "--no-header", "--no-annotate", "--resolution", resolution)
    python = ("--python", environment.python)
    run(TOOLS / "uv", *compile_pins, *python, *extras, "--output-file", pins, ROOT / "pyproject.toml")
    requirement = f"{wheels['sagemaker_replicas']}[{','.join([*EXTRAS, 'local'])}]"
    environment.install("--constraints", pins, requirement, wheels["embedded_aws"])


OVER_COMMITTED = """\
import aws_cdk as cdk
def five(app, synth=cdk.App.synth):
    for child in app.node.find_all():
        if isinstance(child, cdk.aws_sagemaker.CfnInferenceComponent):
            child.add_property_override("RuntimeConfig.CopyCount", 5)
    return synth(app)
cdk.App.synth = five
{source}
"""
"""The example with an escape hatch that requests one copy more than fits on the instance."""


def try_embedded_aws(environment: Environment) -> None:
    """Start an embedded AWS from the installed wheel, list its endpoints, and stop it."""
    started = json.loads(environment.run("replicas", "local", "start", "--port", "0", "--skip-bootstrap", "--json"))
    port = str(started["port"])
    try:
        listing = f"boto3.client('sagemaker', region_name='us-west-2', endpoint_url='http://127.0.0.1:{port}')"
        environment.run("python", "-c", f"import boto3; print({listing}.list_endpoints()['Endpoints'])")
    finally:
        environment.run("embedded-aws", "stop", "--port", port)


def run(program: Path, *arguments: str | Path, cwd: Path = ROOT, code: int = 0) -> str:
    """Run a program without access to the checkout and without credentials. Return its output.

    Raises:
        PackageError: the exit code is not `code`.

    """
    finished = subprocess.run(
        [program, *arguments], cwd=cwd, env=dict(surroundings(program)), capture_output=True, text=True, check=False
    )
    output = finished.stdout + (finished.stderr if code or finished.returncode else "")
    if finished.returncode != code:
        command = " ".join(map(str, [program, *arguments]))
        raise PackageError(f"{command}: exit code {finished.returncode}, expected {code}\n{output}")
    return output


def surroundings(program: Path) -> Iterator[tuple[str, str]]:
    """Yield the environment variables for a program. Its folder is first in PATH."""
    for key, value in os.environ.items():
        if not key.startswith(("AWS_", "CDK_", "PYTHON", "VIRTUAL_ENV")):
            yield key, value
    yield "PATH", os.pathsep.join([str(program.parent), str(TOOLS), os.environ.get("PATH", os.defpath)])
    yield "AWS_ACCESS_KEY_ID", "testing"
    yield "AWS_SECRET_ACCESS_KEY", "testing"
    yield "CDK_OUTDIR", "cdk.out"
    yield "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1"


def expect(holds: bool, claim: str, seen: object) -> None:
    """Raise an error with the observed value if an expectation is not met."""
    if not holds:
        raise PackageError(f"expectation failed: {claim}\n{seen}")


def say(line: str) -> None:
    """Print a line of progress."""
    print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
