"""Templates of which `replicas check` said "0 problems" without having judged them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from replicas import Adapter, Component, Deployment, plan
from replicas.errors import SizingError
from replicas.rules import check
from replicas.template import evaluation
from replicas.template.conditions import holds
from tests.commands import Run
from tests.rules.base import component, good

CASES = Path(__file__).parent


def written(folder: Path, template: dict[str, Any], name: str = "template.json") -> str:
    path = folder / name
    path.write_text(json.dumps(template))
    return str(path)


def open_copies() -> dict[str, Any]:
    """Given a template whose number of copies is a parameter without a default."""
    template = good()
    template["Parameters"] = {"Copies": {"Type": "Number"}}
    template["Resources"]["Llama"] = component(copies={"Ref": "Copies"})
    return template


def test_a_question_that_is_not_judged_ends_with_code_3_and_says_what_would_make_it_judgeable(
    run: Run, tmp_path: Path
) -> None:
    template = written(tmp_path, open_copies())

    outcome = run("check", template)

    assert outcome.code == 3
    assert outcome.out.endswith(
        "not judged: Llama: whether all copies fit: CopyCount is not known: parameter Copies has no default\n"
        "    give: --parameter Copies=VALUE\n"
        "0 problems, 0 warnings, 1 not judged\n"
    )
    assert run("check", template, "--allow-unjudged").code == 0
    assert run("check", template, "--parameter", "Copies=8").code == 0


def test_the_document_holds_the_question_beside_the_key_of_earlier_versions(run: Run, tmp_path: Path) -> None:
    document = run("check", written(tmp_path, open_copies()), "--json").json

    assert document["unjudged"] == [
        {
            "logical_id": "Llama",
            "question": "whether all copies fit",
            "why": "CopyCount is not known: parameter Copies has no default",
            "options": ["--parameter Copies=VALUE"],
        }
    ]
    assert [(point["logical_id"], point["parameters"]) for point in document["unresolved"]] == [("Llama", ["Copies"])]


def test_a_problem_outranks_what_is_not_judged(run: Run, tmp_path: Path) -> None:
    template = open_copies()
    del template["Resources"]["Config"]["Properties"]["ExecutionRoleArn"]

    assert run("check", written(tmp_path, template), "--allow-unjudged").code == 1
    assert run("check", written(tmp_path, template)).code == 1


def test_a_type_that_depends_on_the_region_asks_for_the_region(run: Run, tmp_path: Path) -> None:
    template = good()
    template["Mappings"] = {"Types": {"us-east-1": {"Type": "ml.p4d.24xlarge"}}}
    chosen = {"Fn::FindInMap": ["Types", {"Ref": "AWS::Region"}, "Type"]}
    template["Resources"]["Config"]["Properties"]["ProductionVariants"][0]["InstanceType"] = chosen
    path = written(tmp_path, template)

    outcome = run("check", path)

    assert outcome.code == 3
    assert "give: --region REGION" in outcome.out
    assert run("check", path, "--region", "us-east-1").code == 0


def test_without_a_region_the_report_names_those_that_have_the_instance_types(run: Run, tmp_path: Path) -> None:
    """ml.p4d.24xlarge has a hosting price in us-gov-west-1, which has no inference components."""
    path = written(tmp_path, good())

    (endpoint,) = run("check", path, "--json").json["endpoints"]
    (named,) = run("check", path, "--json", "--region", "us-east-1").json["endpoints"]

    assert "us-east-1" in endpoint["regions"]
    assert "us-gov-west-1" not in endpoint["regions"]
    assert named["regions"] is None


@pytest.mark.parametrize(("name", "logical_id"), [("macro_top.json", "Transform"), ("nested_stack.json", "N")])
def test_what_is_made_elsewhere_is_not_judged(run: Run, name: str, logical_id: str) -> None:
    """What a macro of the account rewrites is no proven problem either."""
    outcome = run("check", str(CASES / "hostile" / name), "--json")

    assert (outcome.code, outcome.json["problems"]) == (3, [])
    assert logical_id in [question["logical_id"] for question in outcome.json["unjudged"]]


ELSEWHERE = [
    {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://s3.amazonaws.com/x"}},
    {"Type": "AWS::CloudFormation::StackSet", "Properties": {"StackSetName": "x"}},
    {"Type": "AWS::ServiceCatalog::CloudFormationProvisionedProduct", "Properties": {}},
    {"Type": "AWS::CloudFormation::Macro", "Properties": {"Name": "x", "FunctionName": "y"}},
    {"Type": "My::Own::Endpoint::MODULE"},
    {"Type": "AWS::S3::Bucket", "Properties": {"Fn::Transform": {"Name": "AWS::Include"}}},
    {"Type": "Custom::SageMakerComponent", "Properties": {"ServiceToken": "arn"}},
    {"Type": "Custom::AWS", "Properties": {"Create": '{"service":"SageMaker","action":"createInferenceComponent"}'}},
    {"Type": "AWS::CloudFormation::CustomResource", "Properties": {"Of": {"Fn::Sub": "${Endpoint.EndpointName}"}}},
]


@pytest.mark.parametrize("resource", ELSEWHERE, ids=lambda resource: str(resource["Type"]))
def test_a_resource_that_makes_others_is_not_judged(resource: dict[str, Any]) -> None:
    template = good()
    template["Resources"]["Other"] = resource

    assert "Other" in [question.logical_id for question in check(template).unjudged]


@pytest.mark.parametrize(
    "resource",
    [
        {"Type": "Custom::S3AutoDeleteObjects", "Properties": {"BucketName": "x"}},
        {"Type": "Custom::LogRetention", "Properties": {"LogGroupName": "x"}},
        {"Type": "Custom::VpcRestrictDefaultSG", "Properties": {"Account": {"Ref": "AWS::AccountId"}}},
    ],
    ids=lambda resource: str(resource["Type"]),
)
def test_custom_resources_that_the_cdk_adds_are_not_listed(resource: dict[str, Any]) -> None:
    template = good()
    template["Resources"]["Other"] = resource

    assert check(template).unjudged == ()


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("AWS::SageMaker::InferenceComponents", "near: AWS::SageMaker::InferenceComponent"),
        ("AWS::Sagemaker::Endpoint", "CloudFormation's schemas do not contain its type AWS::Sagemaker::Endpoint"),
    ],
)
def test_a_type_of_aws_that_no_schema_has_is_not_judged(kind: str, reason: str) -> None:
    (question,) = check({"Resources": {"Llama": {"Type": kind, "Properties": {}}}}).unjudged

    assert question.logical_id == "Llama"
    assert reason in question.why


def test_a_loop_over_known_items_is_written_out_and_judged() -> None:
    template = good()
    template["Transform"] = ["AWS::LanguageExtensions"]
    template["Parameters"] = {"Names": {"Type": "CommaDelimitedList", "Default": "A,B"}}
    template["Resources"]["Fn::ForEach::Copies"] = ["Name", {"Ref": "Names"}, {"Llama${Name}": component(copies=4)}]
    del template["Resources"]["Llama"]

    sound = check(template)
    over = check(template, parameters={"Names": "A,B,C"})

    assert (sound.problems, sound.unjudged) == ((), ())
    assert [component.logical_id for component in sound.endpoints[0].components] == ["LlamaA", "LlamaB"]
    assert [problem.rule for problem in over.problems] == ["over-committed"]


def test_a_loop_over_unknown_items_is_not_judged() -> None:
    template = good()
    template["Transform"] = "AWS::LanguageExtensions"
    template["Parameters"] = {"Names": {"Type": "CommaDelimitedList"}}
    template["Resources"]["Fn::ForEach::Copies"] = ["Name", {"Ref": "Names"}, {"Llama${Name}": component()}]

    (question,) = check(template).unjudged

    assert (question.logical_id, question.options) == ("Fn::ForEach::Copies", ("--parameter Names=VALUE",))


def test_conditions_that_double_at_each_level_are_evaluated_once_each(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    evaluated = []
    monkeypatch.setattr(
        evaluation, "holds", lambda *given, **options: evaluated.append(given) or holds(*given, **options)
    )
    conditions = json.loads((CASES / "hostile" / "cond.json").read_text())["Conditions"]

    assert run("check", str(CASES / "hostile" / "cond.json")).code in (0, 3)
    assert 0 < len(evaluated) <= 2 * len(conditions)


def test_aliases_that_double_at_each_level_are_refused_in_one_line(run: Run) -> None:
    outcome = run("check", str(CASES / "hostile" / "bomb.yaml"))

    assert outcome.code == 1
    assert outcome.err.splitlines() == [f"{CASES / 'hostile' / 'bomb.yaml'}: expands to more than 250000 values"]


@pytest.mark.parametrize("name", ["esc.json", "nl.json"])
def test_text_of_a_template_forges_no_line(run: Run, name: str) -> None:
    outcome = run("check", str(CASES / "hostile" / name))

    assert outcome.code == 1
    assert outcome.out.replace("\n", "").isprintable()
    assert "problem: E" in outcome.out
    assert [line for line in outcome.out.splitlines() if line.startswith(("::", "0 problems"))] == []


ARCHIVE = "s3://my-bucket/adapters/support/adapter.tar.gz"


def test_the_archive_of_an_adapter_is_accepted_by_check_plan_and_construct(run: Run) -> None:
    """The API reference on ArtifactUrl: "This path must point to a single gzip compressed tar archive (.tar.gz)"."""
    outcome = run("check", str(CASES / "templates" / "adapter_ok_targz.json"), "--json")

    assert "adapter-prefix" not in [finding["rule"] for finding in outcome.json["problems"]]
    adapter = Adapter(name="support", weights=ARCHIVE, rank=16)
    wish = Component(model="qwen3-8b", engine="vllm", copies=1, adapters=[adapter])
    planned = plan(Deployment(name="test", instance_type="ml.g6e.xlarge", components=[wish]))
    assert planned.components[0].adapters[0].weights == ARCHIVE


@pytest.mark.parametrize("weights", ["s3://my-bucket/adapter", "s3://my-bucket/adapter.zip", "adapter.tar.gz"])
def test_any_other_place_of_an_adapter_is_refused(weights: str) -> None:
    wish = Component(
        model="qwen3-8b", engine="vllm", copies=1, adapters=[Adapter(name="support", weights=weights, rank=16)]
    )

    with pytest.raises(SizingError, match=r"slash at the end, or s3://bucket/name\.tar\.gz"):
        plan(Deployment(name="test", instance_type="ml.g6e.xlarge", components=[wish]))


@pytest.mark.slow
def test_the_templates_of_this_project_leave_nothing_unjudged_in_any_region(run: Run, assembly: Path) -> None:
    templates = sorted(assembly.glob("*.template.json"))

    assert templates
    assert {path.name: run("check", str(path), "--practice").code for path in templates} == dict.fromkeys(
        (path.name for path in templates), 0
    )
