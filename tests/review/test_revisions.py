"""Revisions that cannot be opened: the folder is in no repository, or git is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from replicas.errors import ReviewError
from replicas.review.revisions import find_commit


@pytest.mark.parametrize("language", ["C", "de_DE.UTF-8"])
def test_a_folder_in_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str) -> None:
    monkeypatch.setenv("LC_ALL", language)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(ReviewError) as refused:
        find_commit(tmp_path, "main")

    assert str(refused.value) == f"{tmp_path} is not in a git repository: run the command in a folder that git tracks"


def test_git_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ReviewError, match=r"^git is not found: install it, or add its folder to PATH$"):
        find_commit(tmp_path, "main")
