"""Draws the picture of docs/recommend.md from forecasts, and draws it again if the forecasts change."""

from __future__ import annotations

from pathlib import Path

from replicas.forecast import Load
from replicas.recommend import Objective, Requirements, recommend
from replicas.recommend.plot import draw, fingerprint

ROOT = Path(__file__).parent.parent
FRONTIER = ROOT / "docs" / "recommend.png"
_REQUIREMENTS = Requirements(
    model="llama-2-13b", load=Load(users=300, input_tokens=1000, output_tokens=50), engines=("tgi-1.1.0",)
)


def stale_pictures(*, redraw: bool) -> list[Path]:
    """Return the pictures that differ from the current forecasts. With `redraw`, draw them again."""
    from PIL import Image

    spots, objective = recommend(_REQUIREMENTS).spots, Objective()
    if FRONTIER.exists():
        with Image.open(FRONTIER) as picture:
            drawn_from = picture.info.get("Description")
        if drawn_from == fingerprint(spots, objective):
            return []
    if redraw:
        title = "Llama 2 13B by TGI 1.1.0: 300 users, 1,000 tokens in, 50 out"
        draw(title, spots, objective, FRONTIER)
    return [FRONTIER]
