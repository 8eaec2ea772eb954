"""Take the screenshots for docs/report.md and the README in a browser, for `make docs`.

A picture is taken again if the look of the page or the plan has changed. The metadata of the picture contains a digest
of both. The digest does not include forecast values, so a picture can show outdated forecasts.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from replicas import plan
from replicas.deployment.file import find_deployment
from replicas.planning.document import plan_document
from replicas.report import write_report
from scripts import chromium

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
_LOOK = (ROOT / "replicas" / "pages", ROOT / "replicas" / "report")
_SHOWN = ("name", "instance_type", "placement", "usd_per_hour")


@dataclass(frozen=True)
class Picture:
    """One picture: its file, the deployments on the page, and the visible section of the page."""

    name: str
    deployments: tuple[str, ...]
    scheme: str = "light"
    width: int = 1280
    height: int = 1000
    scroll_to: str = "body"
    degree: str | None = None
    """Accelerators per copy that are selected in the what-if controls."""

    @property
    def path(self) -> Path:
        """Path of the picture."""
        return IMAGES / f"{self.name}.png"


PICTURES = (
    Picture("report", ("llama-2-13b",), height=1020),
    Picture("report-dark", ("llama-2-13b",), scheme="dark", height=560, scroll_to="[data-what-if]", degree="2"),
)


def main() -> None:
    """Take the pictures that are out of date."""
    outdated = stale_pictures()
    if not outdated:
        return
    if missing := chromium.missing():
        sys.exit(f"{', '.join(picture.path.name for picture in outdated)} cannot be taken again: {missing}")
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        for picture in outdated:
            page = write_report(picture.deployments, Path(folder)).path
            _take(picture, page)
            print(picture.path.relative_to(ROOT))


def stale_pictures() -> list[Picture]:
    """Return the pictures that are missing or outdated."""
    return [picture for picture in PICTURES if _digest_in(picture.path) != digest(picture)]


def digest(picture: Picture) -> str:
    """Return a digest of the look of the pages and of the plans in a picture."""
    hashed = hashlib.sha256(repr(picture).encode())
    for path in _look():
        hashed.update(path.read_bytes())
    for name in picture.deployments:
        document = plan_document(plan(find_deployment(name, ROOT / "deployments.py")))
        hashed.update(json.dumps({key: document[key] for key in _SHOWN}).encode())
    return hashed.hexdigest()


def _look() -> Iterator[Path]:
    for folder in _LOOK:
        yield from sorted(path for path in folder.rglob("*") if path.suffix in (".css", ".js", ".jinja"))


def _digest_in(path: Path) -> str | None:
    from PIL import Image

    if not path.exists():
        return None
    with Image.open(path) as image:
        return image.info.get("Description")


def _take(picture: Picture, page_file: Path) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    with chromium.chromium() as browser:
        page = browser.new_page(
            viewport={"width": picture.width, "height": picture.height},
            color_scheme="dark" if picture.scheme == "dark" else "light",
        )
        page.goto(page_file.as_uri())
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        if picture.degree:
            page.locator("select[name=degree]").first.select_option(picture.degree)
        page.locator(picture.scroll_to).first.evaluate(
            "(element) => scrollTo(0, element.getBoundingClientRect().top + scrollY - 24)"
        )
        taken = page.screenshot()
    note = PngInfo()
    note.add_text("Description", digest(picture))
    with Image.open(io.BytesIO(taken)) as image:
        image.convert("P", palette=Image.Palette.ADAPTIVE, colors=256).save(picture.path, pnginfo=note, optimize=True)


if __name__ == "__main__":
    main()
