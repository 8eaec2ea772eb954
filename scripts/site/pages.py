"""Adapts the Markdown pages of docs/, which are written for GitHub, to the documentation site.

- The lists of links below the headings of an index page become its navigation.
- A page with generated blocks gets a note below its title.
- A link to a file outside docs/ is replaced by the path of the file, because the file is not on the site.
- In docstrings, text between backticks becomes code.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"
INDEXES = {"index", "decisions/index"}
NOTE = (
    "*Tables and outputs between prose on this page are generated from the code by `make docs`; a test compares them.*"
)
_HEADING = re.compile(r"^## (?P<title>.+)\n(?P<body>(?:(?!## ).*\n?)*)", re.MULTILINE)
_ENTRY = re.compile(r"^(?:- |\| *\d+ \| )\[(?P<title>(?:`[^`]*`|[^\]`])+)\]\((?P<page>[^)#:]+)\.md\)", re.MULTILINE)
_GENERATED_PART = re.compile(r"^<!-- (?:output|table): ", re.MULTILINE)
_CODE = re.compile(r"(?<![`:])`([^`]+)`(?!`)")
_LINK_OUT = re.compile(r"(?<!!)\[(?P<text>[^\]]+)\]\((?P<path>\.\./[^)#]+)(?:#[^)]*)?\)")


def entries(text: str) -> dict[str, str]:
    """Return the pages to which lists and numbered tables link, with the titles of the links."""
    return {match["page"]: match["title"].replace("`", "") for match in _ENTRY.finditer(text)}


def navigation(text: str) -> str:
    """Return an index page in which the links below each heading are replaced by a table of contents."""

    def section(match: re.Match[str]) -> str:
        pages = entries(match["body"])
        if not pages:
            return match[0]
        lines = "\n".join(f"{title} <{page}>" for page, title in pages.items())
        return f"{match[0].rstrip()}\n\n```{{toctree}}\n:hidden:\n:caption: {match['title']}\n\n{lines}\n```\n\n"

    return _HEADING.sub(section, text)


def without_links_out(text: str, page: Path) -> str:
    """Replace links to files outside docs/ by the paths of the files in the repository."""

    def named(match: re.Match[str]) -> str:
        target = Path(os.path.normpath(page.parent / match["path"]))
        if target.is_relative_to(DOCS) or not target.exists():
            return match[0]  # a page of the site, or a broken link, which the build reports
        path, shown = target.relative_to(ROOT).as_posix(), match["text"]
        return f"`{path}`" if shown.strip("`").split("/")[-1] == target.name else f"{shown} (`{path}`)"

    return _LINK_OUT.sub(named, text)


def with_note(text: str) -> str:
    """Add a note below the title if the page contains generated blocks."""
    if not _GENERATED_PART.search(text):
        return text
    title, _, rest = text.partition("\n")
    return f"{title}\n\n{NOTE}\n{rest}"


def page(name: str, path: Path, text: str) -> str:
    """Return a page of docs/ with all changes for the site."""
    text = without_links_out(with_note(text), path)
    return navigation(text) if name in INDEXES else text


def docstring(text: str) -> str:
    """Return a docstring in which text between backticks is reStructuredText code."""
    return _CODE.sub(lambda match: f"``{match[1]}``\\ ", text)
