"""`replicas check` of files, folders and cloud assemblies, in its formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from replicas.rules import PRACTICE_RULES, RULES
from tests.commands import Run
from tests.conftest import ROOT
from tests.rules.base import component, good

ANY_REGION = "aws://unknown-account/unknown-region"


def written(folder: Path, name: str, template: Any) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(template, indent=1))
    return str(path)


def over_committed() -> dict[str, Any]:
    template = good()
    template["Resources"]["Llama"] = component(copies=9)
    return template


def sized_by(parameter: str) -> dict[str, Any]:
    template = good()
    template["Parameters"] = {parameter: {"Type": "Number"}}
    template["Resources"]["Llama"] = component(copies={"Ref": parameter})
    return template


def manifest(**stacks: str) -> dict[str, Any]:
    """A manifest with a stack for each name; the value is its environment."""
    artifacts: dict[str, Any] = {
        name: {
            "type": "aws:cloudformation:stack",
            "environment": environment,
            "properties": {"templateFile": f"{name}.template.json"},
        }
        for name, environment in stacks.items()
    }
    return {"version": "55.0.0", "artifacts": {**artifacts, "Tree": {"type": "cdk:tree"}}}


# Files and folders


def test_several_files_have_one_list_and_the_worst_exit_code(run: Run, tmp_path: Path) -> None:
    sound, wrong = written(tmp_path, "a.json", good()), written(tmp_path, "b.json", over_committed())
    unknown = written(tmp_path, "c.json", sized_by("Copies"))

    assert run("check", sound, unknown).code == 3
    assert run("check", sound, unknown, "--allow-unjudged").code == 0
    outcome = run("check", sound, wrong, unknown)
    assert outcome.code == 1
    assert outcome.out.endswith("3 templates: 1 problem, 0 warnings, 1 not judged\n")
    other = written(tmp_path, "d.json", {"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})
    assert run("check", sound, other).out.endswith("2 templates, 1 without an endpoint: 0 problems, 0 warnings\n")
    document = run("check", sound, wrong, "--json").json
    assert document["schema"] == "replicas.checks/1"
    assert [(Path(entry["file"]).name, len(entry["problems"])) for entry in document["templates"]] == [
        ("a.json", 0),
        ("b.json", 1),
    ]


def test_the_document_of_one_file_is_its_report(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", good())

    assert run("check", path, "--json").json["schema"] == "replicas.check/1"
    assert run("check", path, "--format", "json").json == run("check", path, "--json").json


def test_a_folder_without_a_manifest_is_searched(run: Run, tmp_path: Path) -> None:
    written(tmp_path, "inner/a.template.json", good())
    (tmp_path / "b.template.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}")
    written(tmp_path, "package.json", {"name": "x"})

    document = run("check", str(tmp_path), "--json").json

    assert [Path(entry["file"]).name for entry in document["templates"]] == ["b.template.yaml", "a.template.json"]


def test_an_assembly_is_checked_by_its_manifest_with_the_regions_of_its_stacks(run: Run, tmp_path: Path) -> None:
    """`eu-west-3` has neither inference components nor a hosting price of ml.p4d.24xlarge."""
    stage = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-Prod"}}
    outer = manifest(here="aws://123456789012/us-east-1", anywhere=ANY_REGION)
    outer["artifacts"]["assembly-Prod"] = stage
    written(tmp_path, "manifest.json", outer)
    written(tmp_path, "assembly-Prod/manifest.json", manifest(there="aws://123456789012/eu-west-3"))
    for name in ("here", "anywhere", "assembly-Prod/there"):
        written(tmp_path, f"{name}.template.json", good())
    written(tmp_path, "left-over.template.json", over_committed())

    document = run("check", str(tmp_path), "--json").json

    assert [
        (Path(entry["file"]).name, entry["region"], [problem["rule"] for problem in entry["problems"]])
        for entry in document["templates"]
    ] == [
        ("here.template.json", "us-east-1", []),
        ("anywhere.template.json", None, []),
        (
            "there.template.json",
            "eu-west-3",
            ["region-without-instance", "region-without-components", "image-in-other-region"],
        ),
    ]
    again = run("check", str(tmp_path), "--region", "us-west-2", "--json").json
    assert {entry["region"] for entry in again["templates"]} == {"us-west-2"}


def nested(folder: Path, asset: str, **parameters: str) -> None:
    written(folder, "manifest.json", manifest(parent="aws://123456789012/us-east-1"))
    stack = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": "https://s3.amazonaws.com/x", "Parameters": parameters},
        "Metadata": {"aws:asset:path": asset},
    }
    written(folder, "parent.template.json", {"Resources": {"Nested": stack}})


def test_a_nested_stack_of_an_assembly_is_checked_with_what_its_parent_passes_on(run: Run, tmp_path: Path) -> None:
    nested(tmp_path, "inner.nested.template.json", Copies="9")
    written(tmp_path, "inner.nested.template.json", sized_by("Copies"))

    document = run("check", str(tmp_path), "--json").json

    assert [
        (Path(entry["file"]).name, entry["region"], len(entry["problems"]), entry["unjudged"])
        for entry in document["templates"]
    ] == [("parent.template.json", "us-east-1", 0, []), ("inner.nested.template.json", "us-east-1", 1, [])]


@pytest.mark.parametrize("asset", ["inner.nested.template.json", "../outside.json", "/etc/passwd", ""])
def test_a_nested_stack_without_its_template_is_not_judged(run: Run, tmp_path: Path, asset: str) -> None:
    written(tmp_path, "outside.json", good())
    nested(tmp_path / "cdk.out", asset)

    outcome = run("check", str(tmp_path / "cdk.out"), "--json")

    assert outcome.code == 3
    ((entry,),) = [document["unjudged"] for document in outcome.json["templates"]]
    assert (entry["logical_id"], entry["question"]) == ("Nested", "which resources the nested stack deploys")


def test_all_faults_of_the_files_are_told_at_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "large.json").write_text(" " * 1_000_001)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    written(tmp_path, "names/manifest.json", {"artifacts": {}})
    written(tmp_path, "broken/manifest.json", [])
    names = ["missing.json", "empty", "large.json", "binary.json", "names", "broken"]

    outcome = run("check", *(str(tmp_path / name) for name in names), written(tmp_path, "sound.json", good()))

    assert (outcome.code, outcome.out) == (1, "")
    lines = outcome.err.splitlines()
    assert len(lines) == 6
    for line, name, words in zip(
        lines,
        names,
        [
            "cannot be read: No such file or directory",
            "contains no template: no file *.template.json",
            "larger than 1000000 bytes",
            "cannot be read: ",
            "contains no template: manifest.json names no stack",
            "not the manifest of a cloud assembly",
        ],
        strict=True,
    ):
        assert name in line
        assert words in line


def test_a_stage_outside_of_the_assembly_is_refused(run: Run, tmp_path: Path) -> None:
    outer = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "../other"}}
    written(tmp_path, "cdk.out/manifest.json", {"artifacts": {"Stage": outer}})
    written(tmp_path, "other/manifest.json", manifest(there=ANY_REGION))

    outcome = run("check", str(tmp_path / "cdk.out"))

    assert outcome.code == 1
    assert "the folder ../other is outside of the assembly" in outcome.err


# Options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--region", "mars"], "unknown region 'mars'"),
        (["--parameter", "Nothing=1"], "declares no parameter Nothing; declared: Copies"),
        (["--parameter", "Copies"], "--parameter 'Copies': write NAME=VALUE"),
        (["--parameter", "Copies=1", "--parameter", "Copies=2"], "has two values, '1' and '2'"),
        (["--json", "--format", "sarif"], "--json and --format sarif contradict each other: give only one"),
        (["--format", "xml"], "'xml' is not one of"),
    ],
)
def test_wrong_usage_ends_with_code_2(run: Run, tmp_path: Path, options: list[str], words: str) -> None:
    outcome = run("check", written(tmp_path, "a.json", sized_by("Copies")), *options)

    assert outcome.code == 2
    assert words in outcome.said


def test_each_template_takes_the_parameters_that_it_declares(run: Run, tmp_path: Path) -> None:
    first, second = written(tmp_path, "a.json", sized_by("First")), written(tmp_path, "b.json", sized_by("Second"))

    assert run("check", first, second, "--parameter", "First=8", "--parameter", "Second=8").code == 0
    outcome = run("check", first, second, "--parameter", "Third=8")
    assert outcome.code == 2
    assert "no template declares the parameter Third; declared: First, Second" in outcome.err


# Formats

# The schema of SARIF 2.1.0 as OASIS publishes it, from @microsoft/sarif-multitool-linux 5.7.0 (MIT), sarif-2.1.0.json.
SARIF = json.loads((ROOT / "tests" / "data" / "sarif-2.1.0.json").read_text())


def test_sarif_names_rules_files_and_lines(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = over_committed()
    template["Parameters"] = {"Later": {"Type": "Number"}}
    del template["Resources"]["Config"]["Properties"]["ExecutionRoleArn"]
    template["Resources"]["Config"]["Metadata"] = {"replicas": {"acknowledged": {"role-missing": "set by a script"}}}
    template["Resources"]["Other"] = component(copies={"Ref": "Later"})
    path = written(tmp_path, "a b.json", template)
    text = Path(path).read_text().splitlines()
    monkeypatch.chdir(tmp_path)

    outcome = run("check", "a b.json", "--format", "sarif")

    log = json.loads(outcome.out)
    Draft202012Validator(SARIF).validate(log)
    (sarif_run,) = log["runs"]
    rules = [rule["id"] for rule in sarif_run["tool"]["driver"]["rules"]]
    assert rules == [*RULES, "not-judged"]
    results = {result["ruleId"]: result for result in sarif_run["results"]}
    assert all(rules[result["ruleIndex"]] == rule for rule, result in results.items())
    assert {rule: result["level"] for rule, result in results.items()} == {
        "over-committed": "error",
        "role-missing": "error",
        "not-judged": "none",
    }
    assert results["role-missing"]["suppressions"] == [{"kind": "inSource", "justification": "set by a script"}]
    assert "--parameter Later=VALUE" in results["not-judged"]["message"]["text"]
    for rule, name in (("over-committed", "Endpoint"), ("role-missing", "Config"), ("not-judged", "Other")):
        (location,) = results[rule]["locations"]
        assert location["logicalLocations"][0]["name"] == name
        assert location["physicalLocation"]["artifactLocation"] == {"uri": "a%20b.json"}
        assert f'"{name}"' in text[location["physicalLocation"]["region"]["startLine"] - 1]
    assert outcome.code == 1


def test_the_rules_of_practice_are_in_sarif_where_they_are_applied(run: Run, tmp_path: Path) -> None:
    log = json.loads(run("check", written(tmp_path, "a.json", good()), "--practice", "--format", "sarif").out)

    Draft202012Validator(SARIF).validate(log)
    assert {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]} == {*RULES, *PRACTICE_RULES, "not-judged"}


def test_github_annotates_files_and_lines(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path, "a,b.json", over_committed())

    outcome = run("check", path, "--format", "github")

    command, summary = outcome.out.splitlines()
    assert command.startswith(f"::error file={path.replace(',', '%2C')},line=")
    assert "title=over-committed::Endpoint: 9 copies reserve 9 accelerators" in command
    assert summary == "1 problem, 0 warnings"


FORGED = [
    "a\n::error::forged",
    "::add-mask::x",
    "\x1b[2K\x1b[1A",
    "a\r0 problems, 0 warnings",
    "\u202e",
    "\ud800",
    "##[x]",
]


@pytest.mark.parametrize("given_format", ["text", "github", "sarif", "json"])
@pytest.mark.parametrize("name", FORGED)
def test_no_text_of_a_template_forges_a_line(run: Run, tmp_path: Path, name: str, given_format: str) -> None:
    template = over_committed()
    for odd in (name, f"x{name}"):
        template["Resources"][odd] = template["Resources"]["Endpoint"]
        template["Resources"][f"{odd}C"] = {**component(copies=name), "Properties": {"EndpointName": name}}
    template["Parameters"] = {name: {"Type": name, "Default": name, "AllowedPattern": name}}
    template["Resources"]["Llama"]["Properties"]["EndpointName"] = {"Ref": name}

    outcome = run("check", written(tmp_path, "a.json", template), "--format", given_format)

    assert outcome.code == 1
    printed = outcome.out.replace("\n", "")
    assert printed.isprintable()
    if given_format in ("text", "github"):
        assert "##[" not in printed
        for line in outcome.out.splitlines():
            assert not line.lstrip().startswith("::") or line.startswith(("::error file=", "::warning file="))


def test_no_text_of_a_template_forges_a_line_of_an_error(run: Run, tmp_path: Path) -> None:
    path = written(tmp_path, "a.json", sized_by("x\n::error::forged\x1b[2J"))

    outcome = run("check", path, "--parameter", "Nothing=1")

    assert outcome.code == 2
    assert not any(line.startswith("::") for line in outcome.err.splitlines())
    assert outcome.err.replace("\n", "").isprintable()
