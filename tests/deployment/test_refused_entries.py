"""A fault of one entry of `deployments.py` is confined to this entry: the others are read, and its name is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from replicas.deployment.deployment import Deployment
from replicas.deployment.file import Entry, find_deployment, read_entries
from replicas.deployment.refused import RefusedEntry
from replicas.errors import CatalogueError

Read = Callable[[str], list[Entry]]
HEAD = "from replicas import Component, Deployment\n\n"
GOOD = 'Deployment(name="good", instance_type="ml.g5.xlarge", components=[Component(model="llama-2-7b")])'
ROW = (
    "def row(name, parts, **more):\n"
    "    share = 8 // parts\n"
    '    return Deployment(name=name, instance_type="ml.g5.xlarge", region="eu-west-1",\n'
    '                      components=[Component(model="llama-2-7b", copies=share)], **more)\n\n'
)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def entries(text: str) -> list[Entry]:
        file = tmp_path / "deployments.py"
        file.write_text(HEAD + text)
        return read_entries(file)

    return entries


CONFINED = {
    "an unknown argument": (f'DEPLOYMENTS = [{GOOD}, Deployment(name="bad", colour=1)]', ["bad"], "'colour'"),
    "an unknown argument of a component": (
        f'DEPLOYMENTS = [{GOOD}, Deployment(name="bad", instance_type="x", components=[Component(modl=1)])]',
        ["bad"],
        "'modl'",
    ),
    "an error in a function that makes an entry": (
        f'{ROW}DEPLOYMENTS = [{GOOD}, row("bad", 0), row(parts=0, name="worse")]',
        ["bad", "worse"],
        "ZeroDivisionError",
    ),
    "arguments from a mapping": (
        f'SHARED = dict(name="bad", colour=1)\nDEPLOYMENTS = [{GOOD}, Deployment(**SHARED)]',
        ["bad"],
        "'colour'",
    ),
    "a comprehension": (
        f'DEPLOYMENTS = [{GOOD}, *[Deployment(name=f"bad-{{n}}", colour=n) for n in "ab"]]',
        ["bad-a", "bad-b"],
        "'colour'",
    ),
    "a loop": (
        f'DEPLOYMENTS = [{GOOD}]\nfor n in "ab":\n    DEPLOYMENTS.append(Deployment(name=n, colour=1))',
        ["a", "b"],
        "'colour'",
    ),
    "a list of lists": (
        f'ROWS = [{GOOD}, Deployment(name="bad", colour=1)]\nDEPLOYMENTS = [*ROWS] + []',
        ["bad"],
        "'colour'",
    ),
    "a component that several entries share": (
        f'PART = Component(modl="x")\n'
        f'DEPLOYMENTS = [{GOOD}, Deployment(name="bad", instance_type="ml.g5.xlarge", components=[PART])]',
        ["bad"],
        "line 3: Component has no field 'modl'; near: model",
    ),
    "a class under another name": (
        f'from replicas import Deployment as D\nDEPLOYMENTS = [{GOOD}]\nDEPLOYMENTS += [D(name="bad", colour=1)]',
        ["bad"],
        "'colour'",
    ),
    "an entry that is no deployment": (f'DEPLOYMENTS = [{GOOD}, "bad"]', [None], "holds a str"),
    "a name twice": (
        f"DEPLOYMENTS = [{GOOD}, {GOOD.replace('good', 'bad')}, {GOOD.replace('good', 'bad')}]",
        ["bad"],
        "several deployments are named 'bad'",
    ),
}


@pytest.mark.parametrize(("text", "names", "reason"), CONFINED.values(), ids=CONFINED)
def test_a_fault_is_confined_to_its_entries(read: Read, text: str, names: list[str | None], reason: str) -> None:
    entries = read(text)
    assert [entry.name for entry in entries if isinstance(entry, Deployment)] == ["good"]
    refused = [entry for entry in entries if isinstance(entry, RefusedEntry)]
    assert [entry.name for entry in refused] == names
    for entry in refused:
        with pytest.raises(CatalogueError, match=reason):
            raise CatalogueError(entry.problem)


def test_a_refused_entry_keeps_the_place_where_its_stack_is_deployed(read: Read) -> None:
    place = 'region="eu-west-1", account="123456789012"'
    entries = read(f'DEPLOYMENTS = [{GOOD}, Deployment(name="bad", colour=1, {place})]')
    (bad,) = [entry for entry in entries if isinstance(entry, RefusedEntry)]
    assert (bad.region, bad.account, bad.is_region_known) == ("eu-west-1", "123456789012", True)


def test_a_region_inside_of_a_function_that_raises_is_not_known(read: Read) -> None:
    inside, before = read(f'{ROW}DEPLOYMENTS = [row("a", 8, colour=1), row("b", 0)]')
    assert (inside.region, inside.is_region_known) == ("eu-west-1", True)
    assert (before.region, before.is_region_known) == (None, False)


UNCONFINED = {
    "an error that concerns no entry": f"SHARE = 8 // 0\nDEPLOYMENTS = [{GOOD}]",
    "a loop that raises itself": f"DEPLOYMENTS = [{GOOD}]\nfor n in oops:\n    DEPLOYMENTS.append(n)",
    "no entry with a name": "DEPLOYMENTS = [oops]",
    "the list itself": "DEPLOYMENTS = oops",
}


@pytest.mark.parametrize("text", UNCONFINED.values(), ids=UNCONFINED)
def test_what_concerns_the_whole_file_is_an_error_of_the_file(read: Read, text: str) -> None:
    with pytest.raises(CatalogueError, match=r"line \d+: (ZeroDivisionError|NameError)"):
        read(text)


def test_a_deployment_is_found_beside_a_broken_one(tmp_path: Path) -> None:
    file = tmp_path / "deployments.py"
    file.write_text(f'{HEAD}DEPLOYMENTS = [{GOOD}, Deployment(name="bad", colour=1)]')
    assert find_deployment("good", file).name == "good"
    with pytest.raises(CatalogueError, match=r"line 3: Deployment has no field 'colour'"):
        find_deployment("bad", file)
