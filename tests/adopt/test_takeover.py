"""The import template says what is live, and what the template of the entry changes is told before anything is done."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from replicas import Alarms, Monitoring, plan
from replicas.adopt.described import template_of
from replicas.adopt.entry import entry_of
from replicas.adopt.records import LiveEndpoint
from replicas.adopt.takeover import Takeover, takeover_of
from replicas.errors import OperationError
from replicas.rules import check
from replicas.template.differences import differences
from replicas.template.updates import Outcome
from tests.adopt.by_hand import TGI, VARIABLES
from tests.adopt.live import ARN, ROLE, adapter, component, endpoint
from tests.synthesis import template_of_plan

IMPORTED = {"Model", "EndpointConfig", "Endpoint", "InferenceComponent"}


@pytest.fixture
def paths(context: dict[str, Any]) -> dict[str, Any]:
    """The context of the app with the paths of constructs in the metadata, as the CDK CLI asks for them."""
    return {**context, "aws:cdk:enable-path-metadata": True}


def taken(live: LiveEndpoint, context: dict[str, Any], **more: Any) -> tuple[dict[str, Any], Takeover]:
    """The template of the entry, and the import."""
    entry = entry_of(live, "llama", models={}, token_secret=None)
    app = template_of_plan(plan(replace(entry.deployment, **more)), context)
    return app, takeover_of(app, live, entry)


def kinds(template: Any) -> list[str]:
    return sorted(resource["Type"].rpartition("::")[2] for resource in template["Resources"].values())


def of_kind(template: Any, kind: str) -> dict[str, Any]:
    (found,) = (one for one in template["Resources"].values() if one["Type"].endswith(f"::{kind}"))
    properties: dict[str, Any] = found["Properties"]
    return properties


def test_an_endpoint_that_an_entry_reproduces_is_imported_in_the_apps_own_words(paths: dict[str, Any]) -> None:
    app, takeover = taken(endpoint(), paths, monitoring=Monitoring(alarms=Alarms()))

    assert kinds(takeover.template) == sorted(IMPORTED)
    assert takeover.differences == ()
    for logical_id, resource in takeover.template["Resources"].items():
        assert resource["Properties"] == app["Resources"][logical_id]["Properties"]
        assert resource["DeletionPolicy"] == "Retain"  # CloudFormation asks for one of each imported resource
    assert set(takeover.template) == {"Resources"}


def test_the_mapping_names_each_resource_by_the_identifier_of_its_schema(paths: dict[str, Any]) -> None:
    # cfn-lint 1.58.0, primaryIdentifier of the four schemas
    _, takeover = taken(endpoint(), paths)

    assert sorted(json.dumps(one) for one in takeover.mapping.values()) == sorted(
        json.dumps(one)
        for one in (
            {"EndpointArn": f"{ARN}endpoint/llama"},
            {"EndpointConfigArn": f"{ARN}endpoint-config/llama-config"},
            {"InferenceComponentArn": f"{ARN}inference-component/llama-by-hand"},
            {"ModelArn": f"{ARN}model/llama-by-hand-model"},
        )
    )
    assert set(takeover.mapping) == set(takeover.template["Resources"])


def test_the_next_deploy_adds_alarms_and_replaces_nothing(paths: dict[str, Any]) -> None:
    app, takeover = taken(endpoint(), paths, monitoring=Monitoring(alarms=Alarms()))

    planned = differences(takeover.template, app, region="us-west-2")
    outcomes = {change.type.rpartition("::")[2]: change.certain_outcome for change in planned.values()}

    assert outcomes == {**dict.fromkeys(IMPORTED, Outcome.UNCHANGED), "Alarm": Outcome.CREATED}
    assert takeover.serving == ()
    assert {str(effect.kind) for effect in takeover.effects} == {"beside it"}


def test_a_template_that_needs_a_mapping_or_a_role_would_not_be_importable(paths: dict[str, Any]) -> None:
    _, takeover = taken(endpoint(), paths)

    text = json.dumps(takeover.template)
    assert "Fn::FindInMap" not in text
    assert "ExecutionRole" in text
    assert of_kind(takeover.template, "Model")["ExecutionRoleArn"] == ROLE
    assert of_kind(takeover.template, "EndpointConfig")["ExecutionRoleArn"] == ROLE


@pytest.mark.parametrize("kind", ["Model", "EndpointConfig", "InferenceComponent"])
def test_a_name_that_the_entry_leaves_to_cloudformation_is_left_out_of_the_import(
    kind: str, paths: dict[str, Any]
) -> None:
    # A ModelName in the import that the next template does not have would replace the model (create-only).
    _, takeover = taken(endpoint(), paths)

    assert not [key for key in of_kind(takeover.template, kind) if key in (f"{kind}Name", "EndpointConfigName")]


def test_what_is_live_stands_in_the_import_and_the_deploy_of_the_entry_is_told(paths: dict[str, Any]) -> None:
    old = TGI.replace("2.0.1", "2.1.1")
    live = endpoint(component(container={"Image": old}), variant={"VolumeSizeInGB": 64})

    _, takeover = taken(live, paths)

    assert of_kind(takeover.template, "Model")["PrimaryContainer"]["Image"] == old
    assert of_kind(takeover.template, "EndpointConfig")["ProductionVariants"][0]["VolumeSizeInGB"] == 64
    told = {(one.path, one.live, one.entry) for one in takeover.differences}
    assert told == {
        ("PrimaryContainer.Image", old, TGI),
        ("ProductionVariants[0].VolumeSizeInGB", 64, None),
    }
    sentences = " ".join(effect.sentence for effect in takeover.effects)
    assert [str(effect.kind) for effect in takeover.effects] == ["endpoint update", "roll"]
    assert "VolumeSizeInGB" in sentences
    assert "PrimaryContainer.Image" in sentences


def test_a_variable_that_the_plan_adds_is_told_as_a_roll(paths: dict[str, Any]) -> None:
    fewer = {key: value for key, value in VARIABLES.items() if key != "MAX_INPUT_LENGTH"}

    _, takeover = taken(endpoint(component(variables=fewer)), paths)

    assert of_kind(takeover.template, "Model")["PrimaryContainer"]["Environment"] == fewer
    (difference,) = takeover.differences
    assert (difference.path, difference.live) == ("PrimaryContainer.Environment.MAX_INPUT_LENGTH", None)
    assert [str(effect.kind) for effect in takeover.effects] == ["roll"]


def test_a_container_without_a_model_is_imported_as_it_is(paths: dict[str, Any]) -> None:
    inline = component()
    described = json.loads(json.dumps(dict(inline.described), default=str))
    specification = described["Specification"]
    del specification["ModelName"]
    specification["Container"] = {"DeployedImage": {"SpecifiedImage": TGI}, "Environment": VARIABLES}
    live = endpoint(replace(inline, described=described, models={}))

    app, takeover = taken(live, paths)

    assert kinds(takeover.template) == ["Endpoint", "EndpointConfig", "InferenceComponent"]
    imported = of_kind(takeover.template, "InferenceComponent")["Specification"]
    assert imported["Container"] == {"Image": TGI, "Environment": VARIABLES}
    assert "ModelName" not in imported
    assert "Model" in kinds(app)
    assert "roll" in {str(effect.kind) for effect in takeover.effects}


def test_a_template_without_the_paths_of_constructs_is_refused_with_a_way(context: dict[str, Any]) -> None:
    with pytest.raises(
        OperationError, match=r"no resource for llama-by-hand: .* do not turn pathMetadata off in cdk\.json"
    ):
        taken(endpoint(), {**context, "aws:cdk:enable-path-metadata": False})


def test_no_secret_reaches_the_import(paths: dict[str, Any]) -> None:
    live = endpoint(component(variables={**VARIABLES, "OPENAI_API_KEY": "sk-123"}))

    _, takeover = taken(live, paths)

    assert "sk-123" not in json.dumps([takeover.template, template_of(live)])


def test_a_token_in_a_variable_is_imported_as_the_reference_to_its_secret(paths: dict[str, Any]) -> None:
    live = endpoint(component(variables={**VARIABLES, "HUGGING_FACE_HUB_TOKEN": "hf_" + "a" * 34}))
    entry = entry_of(live, "llama", models={}, token_secret="hf")  # noqa: S106 (the name of a secret)
    app = template_of_plan(plan(entry.deployment), paths)

    takeover = takeover_of(app, live, entry)

    environment = of_kind(takeover.template, "Model")["PrimaryContainer"]["Environment"]
    reference = "{{resolve:secretsmanager:hf:SecretString:::}}"
    assert environment["HUGGING_FACE_HUB_TOKEN"] == reference
    assert takeover.differences == ()


def test_copies_that_scale_stay_at_the_floor_of_the_entry(paths: dict[str, Any]) -> None:
    from replicas.adopt.records import LiveScaling
    from tests.adopt.test_entry import TRACKING, target

    scaling = LiveScaling(target=target(2, 6), policies=(TRACKING,), schedules=())

    _, takeover = taken(endpoint(component(copies=5, scaling=scaling)), paths)

    # Another CopyCount in the next template would scale in what autoscaling has scaled out.
    assert of_kind(takeover.template, "InferenceComponent")["RuntimeConfig"] == {"CopyCount": 2}
    assert "goes from" not in " ".join(effect.sentence for effect in takeover.effects)


def test_tags_of_what_is_live_are_in_the_import(paths: dict[str, Any]) -> None:
    # The update that follows an import takes tags away that the template does not have.
    live = endpoint(component(tags={"team": "search", "stage": "prod"}), tags={"team": "search"})

    _, takeover = taken(live, paths)

    tags = {
        resource["Type"].rpartition("::")[2]: {tag["Key"]: tag["Value"] for tag in resource["Properties"]["Tags"]}
        for resource in takeover.template["Resources"].values()
    }
    assert tags.pop("InferenceComponent") == {"team": "search", "stage": "prod"}
    assert set(map(json.dumps, tags.values())) == {json.dumps({"team": "search"})}
    assert [one.path for one in takeover.differences] == ["Tags"]


def test_the_proof_reads_what_runs_and_has_nothing_to_say_of_the_articles_endpoint() -> None:
    report = check(template_of(endpoint()), region="us-west-2")

    (one,) = report.endpoints
    assert (one.accelerators_used, one.accelerators_available) == (8, 8)
    assert one.placement is not None
    assert (report.problems, report.unjudged) == ((), ())


def test_the_proof_finds_what_does_not_fit_in_what_is_described() -> None:
    report = check(template_of(endpoint(component(copies=9))), region="us-west-2")

    assert "over-committed" in [problem.rule for problem in report.problems]


def test_an_adapter_is_read_by_the_proof_and_taken_over(paths: dict[str, Any]) -> None:
    from tests.adopt.test_entry import planned_variables, published

    base = component(variables=planned_variables(), container={"Image": published("vllm-0.30.0")}, copies=1)
    ami = {"InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1"}
    live = endpoint(base, adapters=(adapter("llama-sql", base.name, "s3://adapters/sql/"),), variant=ami)

    assert not [problem.rule for problem in check(template_of(live), region="us-west-2").problems]
    _, takeover = taken(live, paths)
    assert {"InferenceComponentArn": f"{ARN}inference-component/llama-sql"} in takeover.mapping.values()
    assert not [one for one in takeover.differences if "Adapter" in one.logical_id]
