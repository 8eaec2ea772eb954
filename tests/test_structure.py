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

import pytest
from packaging.requirements import Requirement

from tests.conftest import ROOT

BIN = Path(sys.executable).parent
OURS = {"sagemaker-replicas", "embedded-aws"}


def test_imports_keep_their_contracts() -> None:
    finished = subprocess.run([BIN / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert finished.returncode == 0, finished.stdout


def test_the_contract_of_the_embedded_aws_forbids_every_other_room() -> None:
    allowed = {"endpoint", "load", "rules", "template"}
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
    embedded_aws = tomllib.loads((ROOT / "packages" / "embedded-aws" / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    app = [*project["dependencies"], *extras["aws"], *extras["cdk"]]
    everything = [line for extra in extras.values() for line in extra]
    direct = {
        "requirements.txt": app,
        "requirements-demo.txt": [*app, *extras["benchmark"], *embedded_aws["dependencies"]],
        "requirements-dev.txt": [*app, *everything, *embedded_aws["dependencies"]],
    }

    for name, dependencies in direct.items():
        pinned = pins(name)
        for dependency in map(Requirement, dependencies):
            if dependency.name not in OURS:
                assert dependency.specifier.contains(pinned[dependency.name]), f"{name}: {dependency}"


def test_requirements_hold_the_exact_versions_of_the_app() -> None:
    for name in ("requirements", "requirements-dev"):
        lines = (ROOT / f"{name}.in").read_text().splitlines()
        exact = [Requirement(line) for line in lines if line and not line.startswith(("#", "-r"))]
        assert exact
        for requirement in exact:
            assert requirement.specifier.contains(pins(f"{name}.txt")[requirement.name]), f"{name}: {requirement}"


def test_all_files_pin_the_same_versions() -> None:
    """Each installs on top of the one before."""
    app, demo, dev = (pins(f"requirements{of}.txt").items() for of in ("", "-demo", "-dev"))
    assert app <= demo <= dev


def test_the_demo_installs_no_test_tools() -> None:
    tools = {
        "mypy",
        "ruff",
        "hypothesis",
        "pytest-xdist",
        "cdk-nag",
        "ortools",
        "sagemaker-core",
        "aiconfigurator-core",
    }
    assert not tools & pins("requirements-demo.txt").keys()


def test_only_what_is_in_this_repository_is_installed_from_a_folder() -> None:
    folders = {
        name: [line for line in (ROOT / name).read_text().splitlines() if "==" not in line]
        for name in ("requirements.txt", "requirements-demo.txt", "requirements-dev.txt")
    }

    assert folders == {
        "requirements.txt": ["-e ."],
        "requirements-demo.txt": ["-e packages/embedded-aws"],
        "requirements-dev.txt": ["-e .", "-e packages/embedded-aws"],
    }


def pins(name: str) -> dict[str, str]:
    """Return the versions that a compiled file pins, by distribution."""
    lines = (ROOT / name).read_text().splitlines()
    return dict(line.split(" ;")[0].split("==") for line in lines if "==" in line)


def test_the_wheel_holds_the_packages_of_the_library_and_the_command_only() -> None:
    """`stacks` belongs to the app of the checkout; an app of one's own may have a package of that name."""
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]

    assert wheel == {"packages": ["replicas", "constructs/replicas_cdk"]}


@pytest.mark.parametrize("project", [".", "packages/embedded-aws"])
def test_a_distribution_carries_its_licence(project: str) -> None:
    folder = ROOT / project
    metadata = tomllib.loads((folder / "pyproject.toml").read_text())["project"]

    assert (metadata["license"], metadata["license-files"][0]) == ("Apache-2.0", "LICENSE")
    assert all((folder / name).is_file() for name in metadata["license-files"])
    assert (folder / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
    assert "Apache License" in (folder / "LICENSE").read_text()


# Until the project is published, its names in a registry belong to strangers, or to nobody yet.
FROM_A_REGISTRY = re.compile(
    r"\b(?:pip3?|pipx|uv|uvx)\s+(?:install|add|run)\s(?!--spec\s+['\"]?(?:git\+|dist/|\.))[^\n#]*?(?<![\w./*-])['\"]?"
    r"(?:(?:sagemaker[-_])?replicas|embedded[-_]aws)(?:\[[\w,{}]*\])?(?![\w/.*-]|\[[\w,{}]*\]\s*@|\s*@)"
)


@pytest.mark.parametrize(
    "text",
    [
        "pip install replicas",
        "pip install 'replicas[benchmark]'",
        "pip install sagemaker-replicas",
        'pip install -U boto3 "sagemaker-replicas[cdk,aws]"',
        "uv add embedded-aws",
        "pip install embedded-aws[test]",
        "pipx run --spec sagemaker-replicas replicas",
    ],
)
def test_a_command_that_asks_a_registry_for_this_project_is_recognised(text: str) -> None:
    assert FROM_A_REGISTRY.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "pip install -e '.[fleet]' -e packages/embedded-aws",
        "pip install ./packages/embedded-aws",
        "pip install dist/sagemaker_replicas-0.1.0-py3-none-any.whl",
        "pip install 'sagemaker-replicas[aws] @ git+https://git.example/r.git'",
        'pipx run --spec "git+https://git.example/r.git" replicas',
        "pip install 'embedded-aws @ git+https://git.example/r.git#subdirectory=packages/embedded-aws'",
    ],
)
def test_a_checkout_a_wheel_and_a_repository_are_no_registry(text: str) -> None:
    assert not FROM_A_REGISTRY.search(text)


def test_nothing_tells_a_user_to_install_this_project_from_a_registry() -> None:
    rooms = ("replicas", "constructs", "stacks", "scripts", "docs", "packages", ".github")
    kinds = {".py", ".md", ".toml", ".yml"}
    files = [path for room in rooms for path in (ROOT / room).rglob("*") if path.suffix in kinds]
    files += [*ROOT.glob("*.md"), *ROOT.glob("*.py"), ROOT / "Makefile", ROOT / "pyproject.toml"]
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in files}

    commands = {name: hit.group() for name, text in texts.items() if (hit := FROM_A_REGISTRY.search(text))}

    assert "README.md" in texts
    assert commands == {}


def test_the_environment_runs_what_the_lock_pins() -> None:
    assert version("aws-cdk-lib") == "2.275.0"


def test_ci_runs_the_command_of_the_readme() -> None:
    ci = (ROOT / ".ci" / "run").read_text()
    assert "make lint test\nmake test-end-to-end" in ci
    assert "make docs-site" in ci
    assert "make package CDK=oldest" in ci
    assert "make test" in (ROOT / "README.md").read_text()
