"""docs/models.md: each row is planned again on the instance that it names, and each refusal is refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from replicas.errors import SizingError
from scripts.oracle import configs
from scripts.write_models import PAGE, planned, row

ROWS = [
    tuple(cell.strip() for cell in line.strip("|").split("|"))
    for line in PAGE.read_text().splitlines()
    if re.match(r"\| `", line)
]
FITTING = [cells for cells in ROWS if len(cells) > 2]
REFUSED = [cells for cells in ROWS if len(cells) == 2]


def test_every_configuration_is_on_the_page_and_eight_are_refused_at_most() -> None:
    assert {cells[0].strip("`") for cells in ROWS} == set(configs.models())
    assert len(REFUSED) <= 8


@pytest.mark.slow
@pytest.mark.parametrize("cells", FITTING, ids=lambda cells: cells[0].strip("`"))
def test_a_model_fits_the_instance_of_its_row(cells: tuple[str, ...], tmp_path: Path) -> None:
    model = cells[0].strip("`")
    assert row(model, planned(model, tmp_path, cells[5])) == cells


@pytest.mark.parametrize("cells", REFUSED, ids=lambda cells: cells[0].strip("`"))
def test_a_refusal_names_the_engine_and_the_version_that_serve_the_model(
    cells: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(SizingError) as refusal:
        planned(cells[0].strip("`"), tmp_path, "ml.p6-b300.48xlarge")
    assert refusal.value.problems[0] == cells[1]
    assert re.search(r"(vLLM|SGLang) 0\.\d+|0\.5\.\d+", cells[1])
