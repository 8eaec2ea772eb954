"""Broken `deployments.py` files: what is wrong, and on which line, without a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from replicas.deployment.file import find_deployment, load_catalogue, read_entries
from replicas.errors import CatalogueError, SizingError
from replicas.planning.catalogue_plans import plan_all
from replicas.planning.sizing_options import SizingOptions, describe
from tests.conftest import ROOT

HEAD = "from replicas.sizing import Component, Deployment\n\n"
ONE = 'Deployment(name="one", instance_type="ml.g5.xlarge", components=[Component(model="llama-2-7b")])'

TWO = ONE.replace('"one"', '"two"')


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "deployments.py"
    file.write_text(text)
    return file


BROKEN = {
    "a syntax error": (
        HEAD + "DEPLOYMENTS = [\n    Deployment(name='one'\n",
        r"line 4: SyntaxError: '\(' was never closed",
    ),
    "a wrong indentation": (HEAD + "  DEPLOYMENTS = []\n", r"line 3: IndentationError: unexpected indent"),
    "an unknown keyword": (
        HEAD + 'DEPLOYMENTS = [\n    Deployment(\n        name="one",\n        instance="ml.g5.xlarge",\n    )\n]\n',
        r"line [4-7]: Deployment has no field 'instance'; near: instances, instance_type",
    ),
    "an unknown keyword of a component": (
        HEAD + 'part = Component(\n    model="llama-2-7b",\n    replicas=8,\n)\n',
        r"line [3-5]: Component has no field 'replicas'; it has: model, config, .*copies",
    ),
    "two misspelt keywords of one call": (
        HEAD + 'part = Component(model="llama-2-7b", copys=8, scalling=None)\n',
        r"Component has no field 'copys'; near: copies, .*; Component has no field 'scalling'; near: scaling",
    ),
    "a class that is not there": (
        "from replicas import Component, Deployments\n",
        r"line 1: ImportError: cannot import name 'Deployments' .*; near: Deployment",
    ),
    "a positional argument": (
        HEAD + 'Component("llama-2-7b")\n',
        r"Component takes named arguments only: Component\(model=",
    ),
    "a missing keyword": (
        HEAD + 'DEPLOYMENTS = [Deployment(name="one")]\n',
        r"line 3: Deployment needs instance_type=... and components=...",
    ),
    "an unknown name": (
        HEAD + "DEPLOYMENTS = [Deploy()]\n",
        r"line 3: NameError: name 'Deploy' is not defined; near: Deployment",
    ),
    "a module that is not there": (
        "\nimport nowhere_to_be_found\n",
        r"line 2: ModuleNotFoundError: No module named 'now",
    ),
    "no list": (HEAD + f"deployments = [{ONE}]\n", r"not define a list DEPLOYMENTS; rename .* deployments to DEPL"),
    "a misspelt list of nothing": (
        HEAD + "DEPLOYMENT = []\n",
        r"does not define a list DEPLOYMENTS; near: DEPLOYMENT$",
    ),
    "no list at all": (HEAD + f"mine = {ONE}\n", r"does not define a list DEPLOYMENTS; add DEPLOYMENTS = \[mine\]"),
    "one deployment for a list": (
        HEAD + f"DEPLOYMENTS = {ONE}\n",
        r"one deployment; write it in brackets: DEPL.* = \[",
    ),
    "a list that append returned": (
        HEAD + f"DEPLOYMENTS = []\nDEPLOYMENTS = DEPLOYMENTS.append({ONE})\n",
        r"DEPLOYMENTS is None; write a list",
    ),
    "something else in the list": (HEAD + f'DEPLOYMENTS = [{ONE}, "two"]\n', r"DEPLOYMENTS holds a str; it takes Depl"),
    "a name twice": (
        HEAD + f"DEPLOYMENTS = [{ONE}, {ONE}]\n",
        r"line 3: several deployments are named 'one'; each name must be unique",
    ),
    "a name twice, in two lines": (
        HEAD + f"DEPLOYMENTS = [\n    {ONE},\n    {ONE},\n]\n",
        r"lines 4 and 5: several deployments are named 'one'",
    ),
    "a fault deep inside": (
        HEAD + "def row(copies):\n    return 8 // copies\n\n\nDEPLOYMENTS = [row(0)]\n",
        r"line 4: ZeroDivisionError",
    ),
}


@pytest.mark.parametrize(("text", "sentence"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_with_its_line_and_the_fault(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(CatalogueError, match=rf"^.*deployments\.py.*{sentence}"):
        load_catalogue(written(tmp_path, text))


def test_a_file_with_a_null_byte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "deployments.py"
    file.write_bytes(b"DEPLOYMENTS = []\x00")
    with pytest.raises(CatalogueError, match=r"deployments\.py"):
        load_catalogue(file)


def test_a_missing_file_says_where_it_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        CatalogueError, match=rf"no deployments\.py in {tmp_path}: run the command in the folder that contains it"
    ):
        load_catalogue()


def test_a_folder_of_that_name_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "deployments.py").mkdir()
    with pytest.raises(CatalogueError, match=r"no .*deployments\.py"):
        load_catalogue(tmp_path / "deployments.py")


def test_names_that_differ_in_nothing_but_a_copy_are_kept_in_order(tmp_path: Path) -> None:
    text = HEAD + f"DEPLOYMENTS = ({TWO}, {ONE})\n"
    assert [entry.name for entry in load_catalogue(written(tmp_path, text))] == ["two", "one"]


def test_an_empty_list_is_an_empty_catalogue(tmp_path: Path) -> None:
    assert load_catalogue(written(tmp_path, "DEPLOYMENTS = []\n")) == []


def test_reading_a_file_twice_sees_a_change_of_the_same_size_within_one_second(tmp_path: Path) -> None:
    first = written(tmp_path, HEAD + f"DEPLOYMENTS = [{ONE}]\n")
    os.utime(first, (1_700_000_000, 1_700_000_000))
    load_catalogue(first)
    changed = written(tmp_path, HEAD + f"DEPLOYMENTS = [{TWO}]\n")
    os.utime(changed, (1_700_000_000, 1_700_000_000))
    assert [entry.name for entry in load_catalogue(changed)] == ["two"]


def test_a_name_that_is_near_is_suggested() -> None:
    with pytest.raises(CatalogueError, match=r"has no deployment 'llama-2-13'; near: llama-2-13b"):
        find_deployment("llama-2-13", ROOT / "deployments.py")


def test_a_name_that_is_near_nothing_lists_what_there_is() -> None:
    with pytest.raises(CatalogueError, match=r"has no deployment 'zzzzzz'; it has: llama-2-7b, "):
        find_deployment("zzzzzz", ROOT / "deployments.py")


def test_the_projects_own_file_is_found_by_name() -> None:
    assert find_deployment("llama-2-70b-awq", ROOT / "deployments.py").name == "llama-2-70b-awq"


@pytest.mark.parametrize(
    ("name", "place"),
    [
        (
            "chat",
            "deployments.py, line 12: components.0.copies='8': it is not a whole number: give one such as 2, "
            "without quotes",
        ),
        ("spread", "deployments.py, line 22: instances=0: give 1 or more"),
        ("computed", "components.0.copies='9': it is not a whole number: give one such as 2, without quotes"),
        (
            "passed",
            "deployments.py, line 31: components.0.copies='7': it is not a whole number: give one such as 2, "
            "without quotes",
        ),
        ("doubled", "components.0.copies=-2: give 1 or more"),
    ],
)
def test_a_wrong_value_has_the_line_of_the_file_that_gives_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, place: str
) -> None:
    """The values of the entries `computed` and `doubled` are computed, so the lines of their faults are not known."""
    (tmp_path / "deployments.py").write_text(WRONG_VALUES)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SizingError) as refusal:
        describe(name, SizingOptions()).plan()

    assert place in refusal.value.problems
    named = [refused for refused in plan_all(read_entries()).refusals if refused.subject.startswith(name)]
    assert [place in refused.problems for refused in named] == [True]


WRONG_VALUES = """from replicas import Component, Deployment
def own(name, *, copies):
    one = Component(model="mistral-7b-v0.3", copies=copies if name == "passed" else 2 * copies)
    return Deployment(name=name, instance_type="ml.g5.xlarge", components=[one])
number = "9"
DEPLOYMENTS = [
    Deployment(
        name="chat",
        instance_type="ml.g5.xlarge",
        components=[
            Component(
                model="mistral-7b-v0.3", copies="8"
            ),
        ],
    ),
    Deployment(
        name="spread",
        components=[
            Component(model="mistral-7b-v0.3")
        ],
        instance_type="ml.g5.xlarge",
        instances=0,
    ),
    Deployment(
        name="computed",
        instance_type="ml.g5.xlarge",
        components=[Component(model="mistral-7b-v0.3", copies=number)],
    ),
    own(
        "passed",
        copies="7",
    ),
    own("doubled", copies=-1),
]
"""
