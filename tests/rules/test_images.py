"""Images of AWS, held against the tables of SageMaker's SDK (sagemaker-core, `image_uri_config`)."""

from __future__ import annotations

from typing import Any

import pytest

from replicas.rules import Report, check
from replicas.rules.checking import read
from replicas.rules.images import image_not_published
from tests.catalogue.test_images import TABLES, sdk_images
from tests.rules.base import TGI, VLLM, container_of, good

LMI = "763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.36.0-lmi27.0.0-cu130"
VLLM_TAG = VLLM.partition(":")[2]
TGI_TAG = TGI.partition(":")[2]
LMI_TAG = LMI.partition(":")[2]


def report_of(image: str) -> Report:
    template = good()
    container_of(template)["Image"] = image
    return check(template)


def warnings(report: Report) -> list[str]:
    rule = "image-not-published"
    return [f"{warning.what}: {warning.fix}" for warning in report.warnings if warning.rule == rule]


def open_questions(report: Report) -> list[str]:
    return [question.why for question in report.unjudged if question.question == "whether AWS publishes the image"]


@pytest.mark.parametrize(("engine", "publisher"), TABLES)
def test_every_image_of_the_sdk_is_published_in_each_of_its_regions(engine: str, publisher: str) -> None:
    for tag, entry in sdk_images(engine, publisher).items():
        for region, account in entry["registries"].items():
            image = f"{account}.dkr.ecr.{region}.amazonaws.com/{entry['repository']}:{tag}"
            model = {"Type": "AWS::SageMaker::Model", "Properties": {"PrimaryContainer": {"Image": image}}}
            assert list(image_not_published.judge(read({"Resources": {"Model": model}}).topology)) == []


@pytest.mark.parametrize(
    ("image", "listed"),
    [
        (VLLM.replace("0.30.0", "0.29.7"), VLLM_TAG),
        (VLLM.replace("0.30.0", "0.29.0").replace("cu130", "cu124"), VLLM_TAG.replace("0.30.0", "0.29.0")),
        (VLLM.replace("py312", "py310"), VLLM_TAG),
        (VLLM.replace("-sagemaker", ""), VLLM_TAG),
        (VLLM.replace("-sagemaker", "-ec2"), VLLM_TAG),
        (TGI.replace("tgi3.3.6", "tgi3.3.5"), TGI_TAG),
        (TGI.replace("2.7.0-", "2.6.0-"), TGI_TAG),
        (LMI.replace("lmi27", "lmi18"), "0.38.0-lmi29.0.0-cu130"),
        (LMI.replace("0.36.0", "0.35.0"), LMI_TAG),
    ],
)
def test_a_tag_that_the_tables_do_not_have_is_a_warning_with_one_that_they_have(image: str, listed: str) -> None:
    (warning,) = warnings(report_of(image))

    assert "the tables of sagemaker-core" in warning
    assert f"do not have the tag {image.partition(':')[2]} of" in warning
    assert f"use {listed}, or another tag of the tables" in warning


@pytest.mark.parametrize(
    "image", [VLLM.replace("0.30.0", "0.30.7"), TGI.replace("3.3.6", "3.3.7"), LMI.replace("lmi27", "lmi30")]
)
def test_a_tag_that_is_newer_than_the_tables_is_not_judged(image: str) -> None:
    report = report_of(image)

    assert warnings(report) == []
    assert "is newer than" in open_questions(report)[0]


@pytest.mark.parametrize("suffix", ["-v1.0", "-v1.1-2026-10-02-21-23-21"])
def test_another_patch_release_of_an_image_is_not_judged(suffix: str) -> None:
    """The tables have one tag of each version; AWS publishes more (aws/sagemaker-python-sdk issue 3899)."""
    report = report_of(TGI + suffix)

    assert warnings(report) == []
    assert "only one patch release" in open_questions(report)[0]


def test_the_tag_of_an_image_without_its_patch_release_is_published() -> None:
    """The SDK lists `2.4.0-tgi2.4.0-gpu-py311-cu124-ubuntu22.04-v2.2`."""
    report = report_of(TGI.replace("2.7.0-tgi3.3.6", "2.4.0-tgi2.4.0"))

    assert (warnings(report), open_questions(report)) == ([], [])


def test_a_registry_of_another_account_in_the_region_is_a_warning() -> None:
    (warning,) = warnings(report_of(TGI.replace("us-east-1", "af-south-1")))

    assert "the image URI names account 763104351884, but the tables of sagemaker-core" in warning
    assert "list account 626614931356" in warning
    assert warning.endswith("use the registry of account 626614931356")


def test_a_region_without_the_image_is_a_warning() -> None:
    (warning,) = warnings(report_of(VLLM.replace("763104351884.dkr.ecr.us-east-1", "727897471807.dkr.ecr.cn-north-1")))

    assert "in no registry of cn-north-1" in warning


@pytest.mark.parametrize(
    "image",
    [
        VLLM.replace("763104351884", "123456789012").replace("0.30.0", "0.29.7"),
        VLLM.replace("0.30.0", "0.29.7") + "@sha256:" + "0" * 64,
        "vllm/vllm-openai:0.29.7",
    ],
)
def test_an_image_of_the_users_own_registry_or_digest_is_left_alone(image: str) -> None:
    report = report_of(image)

    assert (warnings(report), open_questions(report)) == ([], [])


@pytest.mark.parametrize(
    ("image", "is_refused"),
    [
        # aws/sagemaker-python-sdk, pull request 4700: 'Using non-ECR image ... is not supported'.
        ("vllm/vllm-openai:v0.30.0", True),
        ("public.ecr.aws/deep-learning-containers/vllm:0.30.0", True),
        ("ghcr.io/huggingface/text-generation-inference:3.3.6", True),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/server:1.0", False),
        ({"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.${AWS::URLSuffix}/server:1.0"}, False),
        ({"Ref": "Image"}, False),
        ("{{resolve:ssm:/images/server}}", False),
    ],
)
def test_an_image_outside_ecr_is_refused(image: Any, is_refused: bool) -> None:
    template = good()
    template["Parameters"] = {"Image": {"Type": "String"}}
    container_of(template)["Image"] = image
    rules = [problem.rule for problem in check(template).problems]
    assert ("image-not-in-ecr" in rules) == is_refused
    container_of(template)["ImageConfig"] = {"RepositoryAccessMode": "Vpc"}
    assert "image-not-in-ecr" not in [problem.rule for problem in check(template).problems]
