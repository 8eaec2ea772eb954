"""The check of the data files: content that packages give, versions, ages."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from replicas.catalogue import data
from scripts import check_data, refresh_data
from scripts.check_data import QUARTER_DAYS, Finding

REGIONS = Path("catalogue/data/regions.json")


def changed(folder: Path, name: Path, **values: Any) -> None:
    (folder / name.parent).mkdir(parents=True, exist_ok=True)
    content = json.loads((refresh_data.REPLICAS / name).read_bytes())
    (folder / name).write_text(json.dumps({**content, **values}))


@pytest.fixture
def only_regions(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {REGIONS: refresh_data.contents()[REGIONS]}
    monkeypatch.setattr(refresh_data, "contents", lambda: contents)


def test_a_file_whose_package_gives_the_same_is_current(only_regions: None) -> None:
    (finding,) = check_data.of_packages()
    assert finding.state == "current"


def test_a_file_whose_package_gives_another_content_is_stale(only_regions: None, tmp_path: Path) -> None:
    changed(tmp_path, REGIONS, inference_component_type=["us-east-1"])
    (finding,) = check_data.of_packages(tmp_path)
    assert str(finding).startswith(
        "stale    catalogue/data/regions.json: the installed packages give different content"
    )
    assert "make refresh-data" in finding.why


def test_a_newer_package_is_named_with_both_versions() -> None:
    from importlib.metadata import version

    answers = {"moto": "99.0", "botocore": version("botocore"), "cfn-lint": None}
    found = {finding.what: finding for finding in check_data.of_versions(answers.get)}
    assert (found["botocore"].state, found["cfn-lint"].state) == ("current", "unknown")
    assert found["moto"].state == "newer"
    assert f"99.0 is published, {version('moto')} is installed" in found["moto"].why


def test_every_file_that_plans_use_is_checked() -> None:
    checked = {Path(finding.what.partition(",")[0]).name for finding in check_data.of_ages(date(2026, 12, 1))}
    checked |= {name.name for name in refresh_data.contents()}
    folder = Path(data.__file__).parent
    assert {file.name for file in folder.glob("*.json")} <= checked


def test_a_file_by_hand_and_a_price_sheet_are_stale_after_a_quarter(tmp_path: Path) -> None:
    name = Path("catalogue/data/claims.json")
    changed(tmp_path, name, retrieved="2026-01-01")
    shutil.copy(refresh_data.REPLICAS / "catalogue/data/prices.json", tmp_path / "catalogue/data/prices.json")
    last = date(2026, 1, 1) + timedelta(days=QUARTER_DAYS)

    def claims(day: date) -> Finding:
        return next(finding for finding in check_data.of_ages(day, tmp_path) if "claims" in finding.what)

    assert claims(last).state == "current"
    assert claims(last + timedelta(days=1)).state == "stale"
    later = [finding for finding in check_data.of_ages(date(2028, 1, 1), tmp_path) if "prices" in finding.what]
    assert {finding.state for finding in later} == {"stale"}
    assert any("make refresh-prices REGIONS=us-west-2" in finding.why for finding in later)
