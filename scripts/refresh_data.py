"""Generate the data files whose source is a package: instances, images, registries, regions and resource schemas.

    pip install -r requirements-dev.txt && python scripts/refresh_data.py [--date YYYY-MM-DD]

catalogue/data/instances.json   moto's dump of EC2 DescribeInstanceTypes (hardware), cfn-lint's hosting enum (regions)
catalogue/data/registries.json  sagemaker-core's `image_uri_config` (registry account of each region)
catalogue/data/regions.json     cfn-lint's provider schemas (which regions know AWS::SageMaker::InferenceComponent)
template/data/replacement.json  cfn-lint's resource schemas (which changed properties replace a resource)
template/data/attributes.json   cfn-lint's resource schemas (which attributes Fn::GetAtt returns)
template/data/properties.json   cfn-lint's resource schemas (which properties are valid), for types that rules read
speed/kernels.json              aiconfigurator-core's measured kernels (curves by size, `scripts/kernel_tables.py`)
engines/*/images*.json          sagemaker-core's `image_uri_config` (repository, tags, regions), by the file's `sdk_key`

`models.json`, `accelerators.json` and the engines' `facts.json` and `profiles.json` are maintained by hand, because no
package contains this data. `scripts/refresh_prices.py` writes `prices.json`.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.version import Version

from replicas.engines import engine_kinds
from scripts.kernel_tables import kernels, text_of_kernels

REPLICAS = Path(__file__).parent.parent / "replicas"
CATALOGUE = Path("catalogue") / "data"
TEMPLATE_DATA = Path("template") / "data"
KERNELS = Path("speed") / "kernels.json"

# Accelerated families of SageMaker's endpoint API whose hardware is known. `LEFT_OUT` gives the reasons for the others.
FAMILIES = re.compile(r"^(g4dn|g5|g6|g6e|g7|g7e|p4d|p4de|p5|p5e|p5en|p6-b200|p6-b300|inf2|trn1|trn1n)\.")

ACCELERATED = ("dl", "f", "g", "inf", "p", "trn", "vt")
"""Name prefixes of EC2's families with accelerators (EC2 User Guide, accelerated computing)."""

LEFT_OUT = {
    "trn2": (
        "the hardware source states 512 GiB for each of 16 Trainium2, but AWS states 1.5 TB in total (EC2 Trn2), and "
        "no image of the supported engines runs on Neuron devices"
    ),
    "inf1": "an Inferentia has only 8 GiB, and no image of the supported engines runs on Neuron devices",
}
"""Accelerated EC2 families that cannot be planned, each with the reason."""

PROPERTIES = (
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::SageMaker::Endpoint",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::InferenceComponent",
    "AWS::SageMaker::Model",
)
"""Resource types whose properties the rules read."""


def instances(today: str) -> dict[str, Any]:
    """Return the hardware of every accelerated hosting type, and the regions with a hosting price for it."""
    dump = json.loads(gzip.decompress(files("moto.ec2").joinpath("resources/instance_types.json.gz").read_bytes()))
    hosting = files("cfnlint.data.schemas.extensions.aws_sagemaker_hosting").joinpath("instancetype_enum.json")
    offers = {
        region: set(entry["enum"])
        for region, entry in json.loads(hosting.read_text()).items()
        if region != "description"
    }
    hosting_api = sorted(_endpoint_instance_types(), key=_natural)
    table: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    without_accelerator: list[str] = []
    for name in hosting_api:
        ec2_type = name.removeprefix("ml.")
        regions = sorted(region for region, types in offers.items() if name in types)
        facts = dump.get(ec2_type)
        if facts is None and ec2_type.startswith(ACCELERATED):
            hardware = f"moto {version('moto')}'s copy of EC2 DescribeInstanceTypes"
            why = f"{hardware} lacks it, so its accelerators are not known"
            left_out[name] = _unpriced(why, regions)
        elif facts is None or not facts.keys() & {"GpuInfo", "NeuronInfo"}:
            without_accelerator.append(name)
        elif not FAMILIES.match(ec2_type):
            left_out[name] = _unpriced(LEFT_OUT[ec2_type.partition(".")[0]], regions)
        else:
            table[name] = {
                **_accelerators(facts),
                "vcpus": facts["VCpuInfo"]["DefaultVCpus"],
                "memory_mib": facts["MemoryInfo"]["SizeInMiB"],
                "nvme_gb": facts.get("InstanceStorageInfo", {}).get("TotalSizeInGB", 0),
                "hosting_regions": regions,
            }
    return {
        "retrieved": today,
        "source": (
            f"hardware: moto {version('moto')} (EC2 DescribeInstanceTypes); types: botocore {version('botocore')} "
            f"ProductionVariantInstanceType; hosting regions: cfn-lint {version('cfn-lint')} aws_sagemaker_hosting"
        ),
        "instances": table,
        "left_out": left_out,
        "without_accelerator": without_accelerator,
    }


def _unpriced(why: str, regions: Sequence[str]) -> str:
    return why if regions else f"{why}; no region has a hosting price for it"


def images(today: str, engine: str, sdk_key: str) -> dict[str, Any]:
    """Return the container images of an engine that the SDK lists under a key: repository, tags and regions.

    Versions are engine versions, read from the tags. `regions` applies to most versions. A version with different
    regions has its own list.
    """
    entries = _image_uris(sdk_key)
    tables = {json.dumps(sorted(entry["registries"])) for entry in entries}
    regions = max(sorted(tables), key=[json.dumps(sorted(entry["registries"])) for entry in entries].count)
    versions = {}
    for entry in entries:
        image = _image(entry)
        number = engine_kinds()[engine].version_of(image["tag"])
        if number is None:
            raise SystemExit(f"{sdk_key}: the tag {image['tag']} does not contain the version of {engine}")
        own = sorted(entry["registries"])
        versions[number] = image if own == json.loads(regions) else {**image, "regions": own}
    return {
        "retrieved": today,
        "source": f"sagemaker-core {version('sagemaker-core')} image_uri_config: {sdk_key}",
        "sdk_key": sdk_key,
        "repository": entries[0]["repository"],
        "versions": {number: versions[number] for number in sorted(versions, key=Version)},
        "regions": json.loads(regions),
    }


def registries(today: str, sdk_keys: list[str]) -> dict[str, Any]:
    """Return the account of the Deep Learning Containers' registry in each region that has an image of an engine."""
    accounts: dict[str, str] = {}
    for sdk_key in sdk_keys:
        for region, account in (item for entry in _image_uris(sdk_key) for item in entry["registries"].items()):
            if accounts.setdefault(region, account) != account:
                raise SystemExit(f"{sdk_key}: a second account in {region}, which the file format does not support")
    return {
        "retrieved": today,
        "source": f"sagemaker-core {version('sagemaker-core')} image_uri_config: {', '.join(sdk_keys)}",
        "accounts": dict(sorted(accounts.items())),
    }


def _image_uris(sdk_key: str) -> list[dict[str, Any]]:
    """Return the entries of all versions of an inference framework in the SDK."""
    # The files are located without an import, because the SDK's parent packages are slow to import.
    sagemaker = find_spec("sagemaker")
    if sagemaker is None or not sagemaker.submodule_search_locations:
        raise SystemExit("sagemaker-core is not installed: pip install -r requirements-dev.txt")
    folder = Path(next(iter(sagemaker.submodule_search_locations))) / "core" / "image_uri_config"
    table: dict[str, Any] = json.loads((folder / f"{sdk_key}.json").read_text())
    return list(table.get("inference", table)["versions"].values())


def regions(today: str) -> dict[str, Any]:
    """Return the regions in which CloudFormation supports AWS::SageMaker::InferenceComponent."""
    schemas = Path(str(files("cfnlint.data.schemas")))
    snapshot = json.loads((schemas / "version.json").read_text())["schema_date"][:10]
    return {
        "retrieved": today,
        "source": f"cfn-lint {version('cfn-lint')} provider schemas of {snapshot}",
        "inference_component_type": sorted(
            path.stem
            for path in (schemas / "providers").glob("*.json")
            if "AWS::SageMaker::InferenceComponent" in json.loads(path.read_text())
        ),
    }


def replacement(today: str) -> dict[str, Any]:
    """Return create-only properties and primary identifiers of each resource type, as paths below `/properties/`."""
    schemas = Path(str(files("cfnlint.data.schemas")))
    keys = {
        "create_only": "createOnlyProperties",
        "conditional_create_only": "conditionalCreateOnlyProperties",
        "identifiers": "primaryIdentifier",
    }
    types: dict[str, Any] = {}
    for path in (schemas / "resources").glob("*.json"):
        schema = json.loads(path.read_text())
        paths = {
            key: sorted(pointer.removeprefix("/properties/") for pointer in schema.get(of, ()))
            for key, of in keys.items()
        }
        types[schema["typeName"]] = {key: value for key, value in paths.items() if value}
    return {
        "retrieved": today,
        "source": _schema_source(schemas),
        "types": dict(sorted(types.items())),
    }


def attributes(today: str) -> dict[str, Any]:
    """Return the attributes that Fn::GetAtt supports, by resource type. Some are patterns that match several names."""
    from cfnlint.schema import Schema

    schemas = Path(str(files("cfnlint.data.schemas")))
    types: dict[str, set[str]] = {}
    for path in (schemas / "resources").glob("*.json"):
        content = json.loads(path.read_text())
        types.setdefault(content["typeName"], set()).update(Schema(content).get_atts)
    return {
        "retrieved": today,
        "source": _schema_source(schemas),
        "types": {name: sorted(names) for name, names in sorted(types.items())},
    }


def properties(today: str) -> dict[str, Any]:
    """Return the property constraints of the resource types that rules read, without descriptions."""
    schemas = Path(str(files("cfnlint.data.schemas")))
    provider = json.loads((schemas / "providers" / "us-east-1.json").read_text())
    types = {
        name: _constraints(json.loads((schemas / "resources" / f"{provider[name]}.json").read_text()))
        for name in PROPERTIES
    }
    return {"retrieved": today, "source": _schema_source(schemas), "types": types}


def _schema_source(schemas: Path) -> str:
    snapshot = json.loads((schemas / "version.json").read_text())["schema_date"][:10]
    return f"cfn-lint {version('cfn-lint')} resource schemas of {snapshot}"


def _constraints(schema: dict[str, Any]) -> dict[str, Any]:
    keys = ("properties", "definitions", "required", "additionalProperties", "oneOf", "readOnlyProperties")
    return {key: _undescribed(schema[key]) for key in keys if key in schema}


def _undescribed(value: Any) -> Any:
    """Return a part of a schema without descriptions. A property that is named `description` stays."""
    if isinstance(value, list):
        return [_undescribed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _undescribed(item)
        for key, item in value.items()
        if key not in ("description", "$comment", "examples", "default") or isinstance(item, dict)
    }


def written(content: dict[str, Any]) -> str:
    """Return the text of a data file. A file with resource types (about 1,900) has one line per type."""
    if "cards" in content:
        return text_of_kernels(content)
    if "types" not in content:
        return json.dumps(content, indent=1) + "\n"
    lines = [f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in content["types"].items()]
    head = {key: value for key, value in content.items() if key != "types"}
    return json.dumps(head, indent=1)[:-2] + ',\n "types": {\n' + ",\n".join(lines) + "\n }\n}\n"


def _endpoint_instance_types() -> list[str]:
    import botocore.model
    import botocore.session

    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.shape_for("ProductionVariantInstanceType")
    assert isinstance(shape, botocore.model.StringShape)  # noqa: S101 (the model declares it as an enumeration)
    return list(shape.enum)


def _accelerators(facts: dict[str, Any]) -> dict[str, Any]:
    if "GpuInfo" in facts:
        (gpu,) = facts["GpuInfo"]["Gpus"]
        return _accelerator(gpu["Name"], gpu["Count"], gpu["MemoryInfo"]["SizeInMiB"])
    (neuron,) = facts["NeuronInfo"]["NeuronDevices"]
    return _accelerator(neuron["Name"], neuron["Count"], neuron["MemoryInfo"]["SizeInMiB"])


def _accelerator(name: str, count: int, memory_mib: int) -> dict[str, Any]:
    return {"accelerator": name, "accelerators": count, "accelerator_memory_mib": memory_mib}


def _image(entry: dict[str, Any]) -> dict[str, Any]:
    tag = entry["tag_prefix"]
    if "container_version" in entry:  # without this key, the prefix is the whole tag
        (python,) = entry["py_versions"]
        tag = f"{tag}-gpu-{python}-{entry['container_version']['gpu']}"
    (digits,) = re.findall(r"-cu(\d+)(?:-|$)", tag)
    return {"tag": tag, "cuda": f"{digits[:2]}.{digits[2:]}"}


def _natural(name: str) -> list[Any]:
    """Return a sort key that puts ml.g5.2xlarge before ml.g5.12xlarge."""
    family, size = name.removeprefix("ml.").split(".")
    number = re.match(r"\d+", size)
    return [family, int(number.group()) if number else 1, size]


def main() -> None:
    """Write the files. A second run with the same packages and date changes nothing."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--date", default=datetime.now(UTC).date().isoformat(), help="recorded as `retrieved`")
    parser.add_argument("--output", type=Path, default=REPLICAS, help="output folder with the structure of replicas/")
    arguments = parser.parse_args()
    for name, content in contents().items():
        path = arguments.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(content(arguments.date)))
        print(path)


def contents() -> dict[Path, Callable[[str], dict[str, Any]]]:
    """Return the function that generates the content of each file for a date."""
    tables = {path: json.loads(path.read_text())["sdk_key"] for path in sorted(REPLICAS.glob("engines/*/images*.json"))}
    return {
        CATALOGUE / "instances.json": instances,
        CATALOGUE / "registries.json": partial(registries, sdk_keys=sorted(tables.values())),
        TEMPLATE_DATA / "replacement.json": replacement,
        TEMPLATE_DATA / "attributes.json": attributes,
        TEMPLATE_DATA / "properties.json": properties,
        CATALOGUE / "regions.json": regions,
        KERNELS: kernels,
        **{
            path.relative_to(REPLICAS): partial(images, engine=path.parent.name, sdk_key=key)
            for path, key in tables.items()
        },
    }


if __name__ == "__main__":
    main()
