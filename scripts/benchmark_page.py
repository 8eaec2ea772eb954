"""Time until the page of `replicas report` answers: from navigation to the first drawn change of a what-if's slider."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from scripts import chromium

_FIRST_CHANGE = """async () => {
  const painted = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const place = document.querySelector("[data-what-if]"), picture = place.querySelector("[data-picture]");
  place.scrollIntoView();
  while (!picture.firstChild) await painted();
  const before = picture.firstChild, slider = place.querySelector("form").elements.load;
  slider.value = slider.min;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
  await painted();
  if (picture.firstChild === before) throw new Error("the change of the slider was not drawn");
  return performance.now() / 1000;
}"""
"""Scrolls to the first what-if, moves its load slider, and returns the seconds from navigation to the drawn change."""


def seconds_to_first_change(page: Path, rounds: int) -> float:
    """Return the median time from navigation to the drawn change, each round in a fresh context without a cache."""
    with chromium.chromium() as browser:
        times = []
        for _ in range(rounds + 1):
            with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
                opened = context.new_page()
                opened.goto(page.as_uri(), wait_until="commit")
                opened.wait_for_load_state("domcontentloaded")
                times.append(float(opened.evaluate(_FIRST_CHANGE)))
    return median(times[1:])  # the first round also starts the browser's processes
