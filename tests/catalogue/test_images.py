"""Images, drivers, regions and instance types against the packages that carry the facts."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from replicas import plan
from replicas.catalogue import data
from replicas.catalogue.images import inference_ami_version
from replicas.catalogue.instances import find_instance, instance_types
from replicas.engines import engine_kinds, engine_names, find_image, image_versions
from replicas.planning.data_age import data_warnings, gathered
from scripts.refresh_data import KERNELS, contents, written
from tests.planning.build import deployment

ROOT = Path(__file__).parent.parent.parent
SAGEMAKER = botocore.session.get_session().get_service_model("sagemaker")
IMAGES = [(engine, version) for engine in engine_names() for version in image_versions(engine)]
TABLES = [(engine, publisher) for engine in engine_names() for publisher in engine_kinds()[engine].image_files]


def sdk_images(engine: str, publisher: str) -> dict[str, dict[str, Any]]:
    """What AWS's own SDK says of the images, by their tags: its file is found, the SDK is not imported."""
    spec = find_spec("sagemaker")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations))) / "core" / "image_uri_config"
    kind = engine_kinds()[engine]
    file = kind.facts(kind.image_files[publisher])["sdk_key"]
    content = json.loads((folder / f"{file}.json").read_text())
    return {tag_of(entry): entry for entry in content.get("inference", content)["versions"].values()}


def tag_of(entry: dict[str, Any]) -> str:
    """The tag that the SDK makes of an entry (sagemaker.core.image_uris)."""
    if "container_version" not in entry:
        return str(entry["tag_prefix"])
    (python,) = entry["py_versions"]
    return f"{entry['tag_prefix']}-gpu-{python}-{entry['container_version']['gpu']}"


@pytest.mark.parametrize(("engine", "publisher"), TABLES)
def test_the_images_are_those_of_the_sdk_with_their_repository_and_accounts(engine: str, publisher: str) -> None:
    kind = engine_kinds()[engine]
    images = [kind.image(version, publisher) for version in kind.image_versions(publisher)]
    ours = {image.tag: (image.repository, dict(image.accounts)) for image in images if image}
    theirs = sdk_images(engine, publisher)
    assert ours == {tag: (entry["repository"], entry["registries"]) for tag, entry in theirs.items()}


@pytest.mark.parametrize("engine", engine_names())
def test_the_versions_with_an_image_are_told_oldest_first(engine: str) -> None:
    assert image_versions(engine) == sorted(
        image_versions(engine), key=lambda it: [int(part) for part in it.split(".")]
    )


@pytest.mark.parametrize(("engine", "version"), IMAGES)
def test_the_cuda_of_an_image_is_that_of_its_tag(engine: str, version: str) -> None:
    image = find_image(engine, version)
    assert image is not None
    (digits,) = re.findall(r"-cu(\d+)(?:-|$)", image.tag)
    assert image.cuda == f"{digits[:2]}.{digits[2:]}"


def test_a_version_without_an_image_has_none() -> None:
    assert find_image("vllm", "0.19.0") is None


# ---- drivers


def test_every_ami_is_one_that_sagemaker_takes() -> None:
    taken = SAGEMAKER.shape_for("ProductionVariantInferenceAmiVersion").enum
    assert {ami["name"] for ami in data.load("amis")["amis"]} <= set(taken)


@pytest.mark.parametrize(
    ("engine", "instance_type", "ami"),
    [
        ("tgi-1.1.0", "ml.p4d.24xlarge", None),  # CUDA 11.8 ran on the default
        ("tgi-2.2.0", "ml.g5.12xlarge", None),  # CUDA 12.1 too
        ("tgi-3.3.6", "ml.p4d.24xlarge", "al2-ami-sagemaker-inference-gpu-3-1"),  # CUDA 12.4
        ("vllm-0.29.0", "ml.p4d.24xlarge", "al2023-ami-sagemaker-inference-gpu-4-1"),  # CUDA 13.0
        ("vllm-0.29.0", "ml.g6e.12xlarge", "al2023-ami-sagemaker-inference-gpu-4-1"),
        ("vllm-0.29.0", "ml.g7e.12xlarge", None),  # its default AMI is newer
        ("vllm-0.29.0", "ml.p6-b200.48xlarge", None),
    ],
)
def test_the_driver_is_chosen_by_the_cuda_of_the_image(engine: str, instance_type: str, ami: str | None) -> None:
    wished = deployment(model="llama-2-7b", engine=engine, instance_type=instance_type)
    assert plan(wished).inference_ami_version == ami


def test_the_newest_of_several_images_chooses_the_driver() -> None:
    old, new = find_image("tgi", "1.1.0"), find_image("vllm", "0.29.0")
    assert old is not None
    assert new is not None
    p4d = find_instance("ml.p4d.24xlarge")
    assert inference_ami_version(p4d, [old, new]) == inference_ami_version(p4d, [new])


@pytest.mark.parametrize(("engine", "version"), IMAGES)
def test_every_image_has_a_driver_on_every_family(engine: str, version: str) -> None:
    image = find_image(engine, version)
    assert image is not None
    for instance in instance_types().values():
        inference_ami_version(instance, [image])


# ---- instance types and regions


@pytest.mark.parametrize("name", instance_types())
def test_an_instance_type_can_host_an_endpoint(name: str) -> None:
    assert name in SAGEMAKER.shape_for("ProductionVariantInstanceType").enum


@pytest.mark.parametrize(
    ("name", "accelerators", "accelerator_memory_mib", "vcpus", "memory_gib"),
    [
        # AWS's pages of the instance types.
        ("ml.p4d.24xlarge", 8, 40_960, 96, 1152),
        ("ml.p4de.24xlarge", 8, 81_920, 96, 1152),
        ("ml.p5.48xlarge", 8, 81_920, 192, 2048),
        ("ml.g5.12xlarge", 4, 22_888, 48, 192),
        ("ml.g6e.48xlarge", 8, 45_776, 192, 1536),
        ("ml.g5.xlarge", 1, 22_888, 4, 16),
    ],
)
def test_an_instance_type_has_the_hardware_that_aws_names(
    name: str, accelerators: int, accelerator_memory_mib: int, vcpus: int, memory_gib: int
) -> None:
    instance = find_instance(name)
    assert (instance.accelerators, instance.accelerator_memory_mib) == (accelerators, accelerator_memory_mib)
    assert (instance.vcpus, instance.memory_mib) == (vcpus, memory_gib * 1024)


@pytest.mark.parametrize("name", instance_types())
def test_a_process_sees_a_little_less_of_a_card_than_its_nominal_memory(name: str) -> None:
    instance = find_instance(name)
    assert 0.9 * instance.accelerator_memory_mib <= instance.visible_memory_mib <= instance.accelerator_memory_mib


def test_an_unknown_instance_type_is_refused_with_the_nearest() -> None:
    with pytest.raises(LookupError, match=r"'ml\.g5\.13xlarge' is not in the table; near: ml\.g5\."):
        find_instance("ml.g5.13xlarge")


# ---- the data files


@pytest.mark.parametrize(
    "file",
    [pytest.param(file, marks=[pytest.mark.slow] if file == KERNELS else []) for file in contents()],
    ids=str,
)
def test_a_data_file_is_what_the_script_makes_of_the_packages(file: Path) -> None:
    now = (ROOT / "replicas" / file).read_text()

    assert written(contents()[file](json.loads(now)["retrieved"])) == now


def test_the_script_makes_the_data_of_every_engine() -> None:
    files = {(engine, file) for engine in engine_names() for file in engine_kinds()[engine].image_files.values()}
    assert {Path("engines") / engine / f"{file}.json" for engine, file in files} <= contents().keys()


@pytest.mark.parametrize("name", sorted(path.stem for path in Path(data.__file__).parent.glob("*.json")))
def test_every_data_file_has_a_date_and_a_source_and_is_watched(name: str) -> None:
    content = data.load(name)
    assert date.fromisoformat(content["retrieved"]) > date(2026, 1, 1)
    assert len(content["source"]) > 20
    assert f"{name}.json" in dict(gathered())


@pytest.mark.parametrize("engine", engine_names())
@pytest.mark.parametrize("name", ["facts", "images", "profiles"])
def test_every_data_file_of_an_engine_has_a_date_and_a_source(engine: str, name: str) -> None:
    content = engine_kinds()[engine].facts(name)
    assert date.fromisoformat(content["retrieved"]) > date(2026, 1, 1)
    assert len(content["source"]) > 20


RETRIEVED = list(dict(gathered()).values())


def test_young_data_gives_no_warning() -> None:
    assert data_warnings("us-west-2", max(RETRIEVED) + timedelta(days=300)) == []


def test_data_older_than_a_year_is_warned_of_file_by_file() -> None:
    warnings = data_warnings("us-west-2", max(RETRIEVED) + timedelta(days=366))
    assert len(warnings) == len(RETRIEVED)
    assert all(re.match(r"[\w/]+\.json was gathered on 20\d\d-\d\d-\d\d, over a year ago: ", line) for line in warnings)


def test_a_year_to_the_day_is_young() -> None:
    assert data_warnings("us-west-2", min(RETRIEVED) + timedelta(days=365)) == []


def test_a_plan_for_no_region_was_not_checked_by_that_data() -> None:
    assert data_warnings(None, max(RETRIEVED) + timedelta(days=1000)) == []
