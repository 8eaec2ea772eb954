"""Starts a Chromium for tests and pictures of HTML pages: from `make browser`, or an installed one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = Path(__file__).parent / "browser"
AXE = FOLDER / "node_modules" / "axe-core" / "axe.min.js"
_UNPACKED = FOLDER / "node_modules" / ".chromium"
_INSTALLED = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def executable() -> Path | None:
    """Return the path of a Chromium: `$CHROMIUM`, from `make browser`, or on the PATH; None if none is found."""
    places = (os.environ.get("CHROMIUM"), _UNPACKED / "chromium", *map(shutil.which, _INSTALLED))
    return next((Path(place) for place in places if place and Path(place).is_file()), None)


def missing() -> str | None:
    """Return an error message that names the software missing for opening a page; None if nothing is missing."""
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        return "playwright is not installed: `make browser` installs it"
    if executable() is None:
        return "there is no Chromium: `make browser` installs one"
    return None if AXE.is_file() else "axe-core is not installed: `make browser` installs it"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser, and stop it at the end. It uses the fonts of `make browser`, so that pictures are
    reproducible.
    """
    from playwright.sync_api import sync_playwright

    fonts = _UNPACKED / "fonts"
    environment: dict[str, str | float | bool] = dict(os.environ)
    if fonts.is_dir():
        environment["FONTCONFIG_PATH"] = str(fonts)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(),
            args=["--no-sandbox", "--font-render-hinting=none"],
            env=environment,
        )
        try:
            yield browser
        finally:
            browser.close()
