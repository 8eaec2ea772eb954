"""Write `arguments.json` of an engine: what each argument of its server takes, in each version with an image.

    python -m scripts.arguments vllm --python python3
    python -m scripts.arguments sglang --python python3 --wheels FOLDER

pip downloads the wheels (300 MB each for vLLM) one after the other. `FOLDER/<engine>-<version>` has those that were
unpacked before. Nothing of a wheel is run.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.version import Version

from replicas.engines import engine_kinds, image_versions
from scripts.arguments import sglang, vllm
from scripts.arguments.source import Source

_READERS: Mapping[str, Callable[[Source], Mapping[str, Any]]] = {"sglang": sglang.arguments, "vllm": vllm.arguments}
_PLATFORMS = ("manylinux_2_35_x86_64", "manylinux_2_34_x86_64", "manylinux_2_31_x86_64", "manylinux_2_28_x86_64")
_PLATFORMS_BEFORE = ("manylinux2014_x86_64", "manylinux1_x86_64", "any")


def table(
    engine: str, versions: Mapping[str, Mapping[str, Any]], variables: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the content of `arguments.json`: for each argument what it takes, from the version on that changed it, and
    the same for the engine's environment variables.
    """
    ordered = sorted(versions, key=Version)
    return {
        "retrieved": datetime.now(UTC).date().isoformat(),
        "source": f"{engine} on PyPI, the source in the wheel of each version (scripts/arguments)",
        "versions": ordered,
        "arguments": _by_name(ordered, versions),
        "variables": _by_name(ordered, variables),
    }


def _by_name(ordered: list[str], versions: Mapping[str, Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    names = sorted({name for taken in versions.values() for name in taken})
    return {name: list(_changes(name, ordered, versions)) for name in names}


def _changes(name: str, ordered: list[str], versions: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    last: Any = {"absent": True}
    for version in ordered:
        takes = versions[version].get(name, {"absent": True})
        if takes != last:
            yield {"since": version, **takes}
        last = takes


def versions_of(engine: str) -> list[str]:
    """Return the versions of an engine that an image contains. LMI's images contain versions of vLLM."""
    inside = engine_kinds()["lmi"].facts()["vllm"].values() if engine == "vllm" else ()
    return sorted({*image_versions(engine), *inside}, key=Version)


def _unpacked(engine: str, version: str, python: str, folder: Path) -> Path | None:
    """Return the folder of a version's source, downloaded if it is not there; None if PyPI has no wheel of it."""
    target = folder / f"{engine}-{version}"
    if target.is_dir():
        return target
    platforms = [f"--platform={name}" for name in (*_PLATFORMS, *_PLATFORMS_BEFORE)]
    with tempfile.TemporaryDirectory(dir=folder) as download:
        options = ["--quiet", "--no-deps", "--only-binary=:all:", "--python-version=3.12", *platforms]
        command = [python, "-m", "pip", "download", *options, f"--dest={download}", f"{engine}=={version}"]
        if subprocess.run(command, check=False).returncode:
            return None
        (wheel,) = Path(download).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target, [name for name in archive.namelist() if _is_read(name)])
    return target


def _is_read(name: str) -> bool:
    return name.endswith(".py") and "/model_executor/" not in name and "/third_party/" not in name


def text_of(content: Mapping[str, Any]) -> str:
    """Return the text of the file, with one argument in each line."""
    parts = ("arguments", "variables")
    head = json.dumps({key: value for key, value in content.items() if key not in parts}, indent=2)[:-2]
    for part in parts:
        lines = ",\n".join(f"    {json.dumps(name)}: {json.dumps(changes)}" for name, changes in content[part].items())
        head += f',\n  "{part}": {{\n{lines}\n  }}' if lines else f',\n  "{part}": {{}}'
    return f"{head}\n}}\n"


def main() -> None:
    """Write the file of one engine."""
    parser = argparse.ArgumentParser(prog="python -m scripts.arguments", description=__doc__)
    parser.add_argument("engine", choices=_READERS)
    parser.add_argument("--python", default="python3", help="Python with pip")
    parser.add_argument("--wheels", type=Path, help="folder of unpacked wheels; default: a temporary one")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.wheels or Path(temporary)
        read: dict[str, Mapping[str, Any]] = {}
        variables: dict[str, Mapping[str, Any]] = {}
        for version in versions_of(given.engine):
            source = _unpacked(given.engine, version, given.python, folder)
            if source is None:
                print(f"PyPI has no wheel of {given.engine} {version}: it is not judged")
            else:
                read[version] = _READERS[given.engine](Source(source))
                variables[version] = vllm.variables(Source(source)) if given.engine == "vllm" else {}
    path = engine_kinds()[given.engine].folder / "arguments.json"
    path.write_text(text_of(table(given.engine, read, variables)), encoding="utf-8")
    print(f"{path}: {len(read)} versions")


if __name__ == "__main__":
    main()
