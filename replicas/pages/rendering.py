"""Renders a page as one file that contains its style, scripts and data, and that is not allowed to load anything
else.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from replicas.escaping import page_value
from replicas.pages.charts import number

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_FOLDER = Path(__file__).parent / "assets"
_STYLE_OF_CHARTS = """:where(.plot) {
  --plot-background: white;
  display: block;
  height: auto;
  height: intrinsic;
  max-width: 100%;
}
:where(.plot text),
:where(.plot tspan) {
  white-space: pre;
}"""
"""Style that Observable Plot adds to each chart. The content security policy allows this style by its hash."""


@dataclass(frozen=True)
class _Assets:
    """Styles and scripts of a page, and the content security policy that allows only them."""

    style: str
    scripts: tuple[str, ...]

    @property
    def policy(self) -> str:
        """Content-Security-Policy that allows only the page's own styles, scripts (by hash) and embedded pictures."""
        styles = " ".join(map(_hash, (self.style, _STYLE_OF_CHARTS)))
        scripts = " ".join(map(_hash, self.scripts))
        return (
            f"default-src 'none'; style-src {styles}; script-src {scripts}; img-src data:; "
            "base-uri 'none'; form-action 'none'"
        )


def render(template: Path, scripts: Sequence[Path] = (), **values: Any) -> str:
    """Return a page. The template extends `base.html.jinja` and gets `values`; `scripts` run after the shared scripts.

    Every text that a template prints is escaped for HTML. Control and invisible characters are written as escapes.
    """
    return _environment(template.parent).get_template(template.name).render(assets=_assets(*scripts), **values)


def render_part(template: Path, **values: Any) -> Markup:
    """Return a part of a page as HTML, which another template prints unchanged."""
    from markupsafe import Markup

    return Markup(_environment(template.parent).get_template(template.name).render(**values))  # noqa: S704 (escaped there)


def write_page(path: Path, template: Path, scripts: Sequence[Path] = (), **values: Any) -> None:
    """Write a page as UTF-8, and create its folder if necessary."""
    page = render(template, scripts, **values)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page, encoding="utf-8")


@cache
def _assets(*scripts: Path) -> _Assets:
    style, *shared = (_read(_FOLDER / name) for name in ("page.css", "plot.min.js", "page.js"))
    return _Assets(style=style, scripts=(*shared, *map(_read, scripts)))


def _read(path: Path) -> str:
    return f"\n{path.read_text(encoding='utf-8')}"


@cache
def _environment(folder: Path) -> Environment:
    """Return the templates of a folder. They can extend and import the shared templates."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    def safe_json(value: Any) -> Markup:
        """Return JSON that cannot close the script element around it."""
        text = json.dumps(_printable(value), separators=(",", ":"), allow_nan=False)
        for character in "<>&":
            text = text.replace(character, f"\\u{ord(character):04x}")
        return Markup(text)  # noqa: S704 (no character of it means anything in HTML)

    def spans(value: str) -> Markup:
        """Return code spans and bold text of Markdown as HTML."""
        parts = [
            Markup("<code>{}</code>").format(part) if number % 2 else Markup("").join(_bold(part))
            for number, part in enumerate(page_value(value).split("`"))
        ]
        return Markup("").join(parts)

    def _bold(value: str) -> list[Markup | str]:
        return [
            Markup("<strong>{}</strong>").format(part) if number % 2 else part
            for number, part in enumerate(value.split("**"))
        ]

    environment = Environment(
        loader=FileSystemLoader([folder, Path(__file__).parent / "templates"]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=page_value,
    )
    environment.filters |= {"number": number, "safe_json": safe_json, "lines": str.splitlines, "spans": spans}
    return environment


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return page_value(value)
    if isinstance(value, Mapping):
        return {_printable(key): _printable(part) for key, part in value.items()}
    return [_printable(part) for part in value] if isinstance(value, (list, tuple)) else value


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}'"
