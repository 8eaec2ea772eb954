"""Mistakes of somebody who writes the first `deployments.py`: each is one sentence with its line and the change."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicas.deployment.deployment import Component, Deployment, faults
from replicas.deployment.file import load_catalogue
from replicas.errors import CatalogueError

HEAD = "from replicas import Component, Deployment\n"
ONE = 'Deployment(name="one", instance_type="ml.g5.xlarge", components=[Component(model="llama-2-7b")])'
HELPER = f"""{HEAD}
def row(name, model, *, engine="tgi-1.1.0", copies=None):
    return {ONE}

class Rows:
    def of(self, name, copies=1):
        return {ONE}

"""
MISTAKES = {
    "a misspelt parameter of a function": (
        HELPER + 'DEPLOYMENTS = [\n    row("one", "llama-2-7b", copie=8),\n]\n',
        r"line 11: row\(\) has no parameter 'copie'; near: copies$",
    ),
    "a parameter that is near to none": (
        HELPER + 'DEPLOYMENTS = [row("one", "llama-2-7b", zzz=8)]\n',
        r"row\(\) has no parameter 'zzz'; it has: name, model, engine, copies$",
    ),
    "two misspelt parameters": (
        HELPER + 'DEPLOYMENTS = [row("one", "llama-2-7b", copie=8, engin="x")]\n',
        r"no parameter 'copie'; near: copies; row\(\) has no parameter 'engin'; near: engine$",
    ),
    "a misspelt parameter outside of the list": (
        HELPER + 'one = row("one", "llama-2-7b", copie=8)\nDEPLOYMENTS = [one]\n',
        r"line 10: row\(\) has no parameter 'copie'; near: copies$",
    ),
    "a misspelt parameter within a function": (
        HELPER + 'def all():\n    return [row("one", "x", copie=8)]\nDEPLOYMENTS = all()\n',
        r"line 11: row\(\) has no parameter 'copie'; near: copies$",
    ),
    "a misspelt parameter of a nested function": (
        HEAD + f"def outer():\n    def inner(copies):\n        return {ONE}\n    return inner(copie=1)\nouter()\n",
        r"line 5: inner\(\) has no parameter 'copie'; near: copies$",
    ),
    "a misspelt parameter of a method": (
        HELPER + 'DEPLOYMENTS = [Rows().of("one", copie=8)]\n',
        r"of\(\) has no parameter 'copie'; near: copies$",
    ),
    "a misspelt parameter of a lambda": (
        HEAD + f"row = lambda name, copies=1: {ONE}\nDEPLOYMENTS = [row(name='one', copie=8)]\n",
        r"line 3: the lambda has no parameter 'copie'; near: copies$",
    ),
    "a misspelt field of an own class": (
        "from dataclasses import dataclass\n@dataclass\nclass Row:\n    copies: int = 1\nROWS = [Row(copie=2)]\n",
        r"line 5: Row has no parameter 'copie'; near: copies$",
    ),
    "a misspelt field of a changed copy": (
        HEAD + f"from dataclasses import replace\none = {ONE}\nDEPLOYMENTS = [one, replace(one, nam='two')]\n",
        r"line 4: Deployment has no field 'nam'; near: name$",
    ),
    "a parameter that is left out": (HELPER + 'DEPLOYMENTS = [row("one")]\n', r"row\(\) needs model=\.\.\.$"),
    "a parameter without its name": (
        HELPER + 'DEPLOYMENTS = [row("one", "llama-2-7b", 8)]\n',
        r"takes 2 unnamed arguments \(name, model\), not 3: name the others: engine=\.\.\., copies=\.\.\.$",
    ),
    "too many parameters of a method": (
        HELPER + 'DEPLOYMENTS = [Rows().of("one", 8, 9)]\n',
        r"of\(\) takes 2 unnamed arguments \(name, copies\), not 3: leave out the others$",
    ),
    "a parameter twice": (
        HELPER + 'DEPLOYMENTS = [row("one", name="two")]\n',
        r"row\(\) is given name twice, by position and as name=\.\.\.: leave one out$",
    ),
    "a missing comma between arguments": (
        HEAD + 'DEPLOYMENTS = [Deployment(name="one" instance_type="ml.g5.xlarge")]\n',
        r"line 2: SyntaxError: invalid syntax. Perhaps you forgot a comma; put a comma between two arguments or",
    ),
    "a missing comma between entries": (
        HEAD + f"DEPLOYMENTS = [\n    {ONE}\n    {ONE}\n]\n",
        r"line 3: SyntaxError: .* a comma; put a comma between two arguments or two entries, in lines 3 to 4$",
    ),
    "a missing comma between brackets": (
        HEAD + f"one = {ONE}\nDEPLOYMENTS = [(one) (one)]\n",
        r"line 3: TypeError: 'Deployment' object is not callable; is a comma missing before the bracket\?$",
    ),
    "a colon after a name": (
        HEAD + 'DEPLOYMENTS = [Deployment(name: "one")]\n',
        r"line 2: SyntaxError: invalid syntax; write = after the name of an argument$",
    ),
    "quotes of a word processor": (
        HEAD + "A = “one”\n",
        r"line 2: SyntaxError: invalid character .*; use straight",
    ),
    "a text without its end": (HEAD + 'A = "one\n', r"line 2: SyntaxError: unterminated string .*; end the text with"),
    "an argument twice": (
        HEAD + 'DEPLOYMENTS = [Deployment(name="one", name="two")]\n',
        r"line 2: SyntaxError: keyword argument repeated: name; leave one out$",
    ),
    "a class that is not imported": (
        f"from replicas import Deployment\nDEPLOYMENTS = [{ONE}]\n",
        r"line 2: NameError: name 'Component' is not defined; write: from replicas import Component$",
    ),
    "a class imported from elsewhere": (
        "from replicas.deployment import Component\n",
        r"line 1: .*cannot import name 'Component' from 'replicas.deployment'; write: from replicas import Component$",
    ),
    "a module of replicas that does not exist": (
        "from replicas.deployments import Component\n",
        r"line 1: ModuleNotFoundError: .*; write: from replicas import Component, Deployment$",
    ),
    "a misspelt function of the file": (
        HELPER + 'DEPLOYMENTS = [rwo("one", "x")]\n',
        r"line 10: NameError: name 'rwo' is not defined; near: row$",
    ),
    "a value as JSON writes it": (HEAD + "A = true\n", r"line 2: NameError: name 'true' is not defined; write True$"),
    "a list in the list": (
        HEAD + f"DEPLOYMENTS = [{ONE}],\n",
        r"line 2: DEPLOYMENTS holds a list; .*: leave out the inner brackets, or the comma after the list$",
    ),
    "a component in the list": (
        HEAD + f'DEPLOYMENTS = [\n    {ONE},\n    Component(model="x"),\n]\n',
        r"line 4: DEPLOYMENTS holds a Component; .*: write Deployment\(name=",
    ),
    "a function in place of its result": (
        HELPER + "DEPLOYMENTS = [row]\n",
        r"line 10: DEPLOYMENTS holds a function; .*: call row\(\.\.\.\)$",
    ),
    "a function without return": (
        HEAD + f"def row():\n    {ONE}\nDEPLOYMENTS = [row()]\n",
        r"line 4: DEPLOYMENTS holds None; .*: a function without `return` gives None$",
    ),
}


@pytest.mark.parametrize(("text", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_one_sentence_with_its_line_and_the_change(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "deployments.py"
    file.write_text(text)
    with pytest.raises(CatalogueError, match=rf"\A(?=.*deployments\.py, line \d+: ).*{sentence}") as raised:
        load_catalogue(file)
    assert "\n" not in str(raised.value)


def test_the_function_that_lacks_the_parameter_is_named_and_not_the_one_that_passes_it_on(tmp_path: Path) -> None:
    file = tmp_path / "deployments.py"
    file.write_text(
        HEAD + "def row(**fields):\n    return inner(**fields)\ndef inner(name):\n    ...\nrow(nam='one')\n"
    )
    with pytest.raises(CatalogueError, match=r"line 3: inner\(\) has no parameter 'nam'; near: name$"):
        load_catalogue(file)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        (
            {"components": "llama-2-7b"},
            "components='llama-2-7b': it is not a list: give a list such as [Component(model='llama-2-7b')]",
        ),
        ({"components": ["llama-2-7b"]}, "components.0='llama-2-7b': give Component(model='llama-2-7b')"),
        (
            {"fallback_instance_types": "ml.g5.2xlarge"},
            "fallback_instance_types='ml.g5.2xlarge': it is not a list: give a list such as ['ml.g5.2xlarge']",
        ),
    ],
)
def test_a_value_in_place_of_a_list_is_shown_within_one(fields: dict[str, object], sentence: str) -> None:
    valid = {"name": "one", "instance_type": "ml.g5.xlarge", "components": [Component(model="llama-2-7b")]}
    given = Deployment(**{**valid, **fields})  # type: ignore[arg-type]
    assert [fault.sentence for fault in faults(given)] == [sentence]
