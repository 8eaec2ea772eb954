"""`replicas adopt` against an AWS: what it prints and writes, and a sentence for what no entry describes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from embedded_aws.server import EmbeddedAws
from embedded_aws_tests.support import component_by_hand, endpoint_by_hand, in_service
from replicas.adopt.kinds import component_problems, kind_problems
from tests.adopt.by_hand import article_by_hand, remove, role_by_hand
from tests.adopt.live import component
from tests.commands import Run
from tests.embedded import settled


@pytest.fixture
def llama(embedded: EmbeddedAws) -> Iterator[Any]:
    """The article's endpoint, made by hand; SageMaker's client."""
    sagemaker = boto3.client("sagemaker")
    article_by_hand(sagemaker, role_by_hand(boto3.client("iam")))
    yield sagemaker
    remove(sagemaker)


def test_without_the_app_an_endpoint_has_an_entry_and_a_proof(
    run: Run, llama: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    outcome = run("adopt", "llama")

    assert outcome.code == 0, outcome.err
    assert 'name="llama"' in outcome.out
    assert "8 of 8 accelerators reserved; all copies placed" in outcome.out
    assert "no app.py and cdk.json in" in outcome.said


def test_the_document_has_the_entry_and_satisfies_its_schema(
    run: Run, llama: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    document = run("adopt", "llama", "--name", "chat", "--json").json

    assert (document["endpoint"], document["name"], document["is_proven"]) == ("llama", "chat", True)
    assert document["components"] == {"chat": "llama-by-hand"}
    assert document["takeover"] is None


@pytest.mark.slow
def test_the_files_of_the_import_are_a_cloud_assembly_without_a_role(run: Run, llama: Any, tmp_path: Path) -> None:
    folder = tmp_path / "import"

    outcome = run("adopt", "llama", "--output", str(folder))

    assert outcome.code == 0, outcome.err
    assert sorted(path.name for path in folder.iterdir()) == [
        "entry.py",
        "llama.template.json",
        "manifest.json",
        "mapping.json",
    ]
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["artifacts"]["llama"] == {
        "type": "aws:cloudformation:stack",
        "environment": "aws://123456789012/us-west-2",
        "properties": {"templateFile": "llama.template.json", "validateOnSynth": False},
        "displayName": "llama",
    }
    assert f"npx cdk import llama --app {folder} --resource-mapping {folder}/mapping.json" in outcome.out


def test_a_folder_with_other_files_is_left_alone(
    run: Run, llama: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "import"
    folder.mkdir()
    monkeypatch.chdir(tmp_path)
    assert run("adopt", "llama", "--output", "import").code == 0
    assert run("adopt", "llama", "--output", "import").code == 0  # the same import, written again
    (folder / "notes.txt").write_text("mine")

    assert "import contains notes.txt: give --output a new folder" in run("adopt", "llama", "--output", "import").said
    assert sorted(path.name for path in folder.iterdir()) == ["entry.py", "notes.txt"]


def test_an_endpoint_that_is_not_there_is_named_with_those_near_it(run: Run, llama: Any) -> None:
    outcome = run("adopt", "lama")

    assert outcome.code == 1
    assert outcome.err == "no endpoint 'lama' in us-west-2; near: llama\n"


def test_a_component_that_is_not_there_is_named_with_those_there_are(run: Run, llama: Any) -> None:
    outcome = run("adopt", "llama", "--component", "chat")

    assert outcome.err == "endpoint llama has no component 'chat'; it has: llama-by-hand\n"


def test_a_name_that_an_entry_has_is_refused(run: Run, llama: Any) -> None:
    outcome = run("adopt", "llama", "--name", "llama-2-13b")

    assert outcome.err == (
        "deployments.py already has an entry 'llama-2-13b': use --name to give the deployment another name\n"
    )


def test_an_endpoint_of_a_stack_is_read_and_the_stack_is_named(
    run: Run, llama: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    imported(llama.describe_endpoint(EndpointName="llama")["EndpointArn"])
    monkeypatch.chdir(tmp_path)

    outcome = run("adopt", "llama", "--name", "taken")

    assert outcome.code == 0, outcome.err
    assert (
        "the endpoint belongs to stack theirs, and CloudFormation imports only resources that belong to no stack"
        in outcome.said
    )
    # Until its first update the stack has no outputs: its endpoint is found by its resources.
    status = run("status", "theirs", "--json").json
    assert (status["endpoint_name"], status["drift"], status["is_healthy"]) == ("llama", [], True)
    boto3.client("cloudformation").delete_stack(StackName="theirs")
    settled("theirs")


def imported(arn: str) -> None:
    """Import the endpoint alone into a stack of somebody else."""
    cloudformation = boto3.client("cloudformation")
    definition = {
        "Type": "AWS::SageMaker::Endpoint",
        "DeletionPolicy": "Retain",
        "Properties": {"EndpointName": "llama", "EndpointConfigName": "llama-config"},
    }
    made = cloudformation.create_change_set(
        StackName="theirs",
        ChangeSetName="import",
        ChangeSetType="IMPORT",
        ResourcesToImport=[
            {
                "ResourceType": "AWS::SageMaker::Endpoint",
                "LogicalResourceId": "Theirs",
                "ResourceIdentifier": {"EndpointArn": arn},
            }
        ],
        TemplateBody=json.dumps({"Resources": {"Theirs": definition}}),
    )
    cloudformation.execute_change_set(ChangeSetName=made["Id"])
    assert settled("theirs")["StackStatus"] == "IMPORT_COMPLETE"


def test_a_variant_that_serves_a_model_itself_is_refused_with_a_way() -> None:
    (problem,) = kind_problems("single", {"ProductionVariants": [{"VariantName": "main", "ModelName": "own"}]}, [])

    assert problem == (
        "variant main of endpoint single serves the model own itself, and SageMaker cannot turn it into an inference "
        "component: deploy the model with an entry in deployments.py as a second endpoint, move the callers, and "
        "delete this "
        "endpoint"
    )


def test_an_endpoint_without_components_is_refused_with_a_way(run: Run, embedded: EmbeddedAws) -> None:
    sagemaker, role = boto3.client("sagemaker"), role_by_hand(boto3.client("iam"))
    endpoint_by_hand(sagemaker, role, "empty", config="empty", InstanceType="ml.g5.xlarge")

    outcome = run("adopt", "empty")

    assert outcome.err == (
        "endpoint empty has no inference component, but a deployment needs at least one: create a new endpoint "
        "with an entry in deployments.py\n"
    )


def test_several_variants_are_refused_with_a_way() -> None:
    variants = [{"VariantName": "blue"}, {"VariantName": "green"}]

    (problem,) = kind_problems("two", {"ProductionVariants": variants}, ["chat"])

    assert problem == (
        "endpoint two has 2 variants (blue, green), but a deployment has one: move the components of one variant to a "
        "separate endpoint, and take over that endpoint"
    )


def test_a_serverless_variant_is_refused_with_a_way() -> None:
    variant = {"VariantName": "main", "ModelName": "own", "ServerlessConfig": {"MemorySizeInMB": 4096}}

    (problem,) = kind_problems("small", {"ProductionVariants": [variant]}, [])

    assert problem == (
        "variant main of endpoint small is serverless, without instances that copies could share: deploy the model "
        "with an entry in deployments.py as a second endpoint, and move the callers"
    )


def test_a_multi_model_container_and_a_pipeline_are_refused_with_a_way() -> None:
    many = component("many", container={"Mode": "MultiModel"})
    pipeline = component("pipeline", model={"Containers": [{"Image": "one"}, {"Image": "two"}]})

    assert [*component_problems(many), *component_problems(pipeline)] == [
        "model many-model of component many hosts several models in one container (MultiModel): deploy one "
        "component for each of them",
        "model pipeline-model of component pipeline is a pipeline of 2 containers, but a component of a deployment has "
        "one: take over the other components with --component",
    ]


def test_components_that_are_left_out_are_named(
    run: Run, llama: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint_by_hand(llama, role_by_hand(boto3.client("iam")), "mixed", config="mixed", InstanceType="ml.p4d.24xlarge")
    for name in ("chat", "other"):
        component_by_hand(llama, name, 2, endpoint="mixed", ModelName="llama-model")
        in_service(llama, name)
    monkeypatch.chdir(tmp_path)

    outcome = run("adopt", "mixed", "--component", "chat")

    assert "component other: it is left out, so the proof does not count the resources of its copies" in outcome.said
    assert outcome.out.count("Component(") == 1
