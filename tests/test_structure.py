"""The house stays as designed: imports, the folder `constructs/`, pins, flags."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tarfile
import tomllib
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from packaging.requirements import Requirement

from tests.conftest import ROOT

BIN = Path(sys.executable).parent


def test_imports_keep_their_contracts() -> None:
    finished = subprocess.run([BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stdout


def test_the_contract_of_the_embedded_aws_forbids_every_other_room() -> None:
    allowed = {"endpoint", "rules", "template"}
    rooms = {path.parent.name for path in (ROOT / "replicas").glob("*/__init__.py")}
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (contract,) = [one for one in contracts if one.get("source_modules") == ["embedded_aws"]]

    forbidden = {name.removeprefix("replicas.") for name in contract["forbidden_modules"] if "." in name}

    assert forbidden == rooms - allowed


def test_constructs_holds_packages_only() -> None:
    """An `__init__.py` there would shadow the library `constructs`, and nothing of the CDK would import."""
    assert [path.name for path in (ROOT / "constructs").glob("*.py")] == []


def test_every_recommended_feature_flag_is_set_as_recommended() -> None:
    (bundle,) = [path for path in files("aws_cdk._jsii").iterdir() if path.name.endswith(".tgz")]
    with tarfile.open(str(bundle)) as library:
        recommended = json.load(library.extractfile("package/recommended-feature-flags.json"))  # type: ignore[arg-type]

    context = json.loads((ROOT / "cdk.json").read_text())["context"]

    assert context == recommended
    assert context["@aws-cdk/core:validateAgainstDefaultRules"] is True


def test_the_cdk_command_line_is_pinned_in_both_files() -> None:
    package = json.loads((ROOT / "package.json").read_text())
    lock = json.loads((ROOT / "package-lock.json").read_text())

    assert package["devDependencies"] == {"aws-cdk": "2.1148.1"}
    assert lock["packages"]["node_modules/aws-cdk"]["version"] == "2.1148.1"
    assert "resolved" not in (ROOT / "package-lock.json").read_text()


def test_requirements_pin_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    ours = [line for extra in extras.values() for line in extra if not line.startswith("replicas[")]
    wanted = {"requirements.txt": project["dependencies"], "requirements-dev.txt": project["dependencies"] + ours}

    for name, dependencies in wanted.items():
        lines = (ROOT / name).read_text().splitlines()
        pinned = dict(line.split(" ;")[0].split("==") for line in lines if "==" in line)
        pinned = {re.sub(r"\[.*\]", "", key): value for key, value in pinned.items()}
        for dependency in map(Requirement, dependencies):
            assert dependency.specifier.contains(pinned[dependency.name]), f"{name}: {dependency}"
        assert lines[-2:] == ["-e .", "-e packages/embedded-aws"]


def test_the_environment_runs_what_the_lock_pins() -> None:
    assert version("aws-cdk-lib") == "2.275.0"


def test_ci_runs_the_command_of_the_readme() -> None:
    assert "make lint test" in (ROOT / ".ci" / "run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()
