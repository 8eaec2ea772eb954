"""Sphinx extension for the documentation site: changes pages and docstrings when they are read, and draws diagrams."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from jsii._runtime import JSIIMeta
from sphinx.application import Sphinx
from sphinx.errors import PycodeError
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from scripts.site import pages

_GENERATED_MODULES = ("aws_cdk", "constructs", "jsii")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("mermaid", Mermaid)
    app.connect("builder-inited", skip_generated_modules)
    app.connect("builder-inited", without_constraints)
    app.connect("builder-inited", with_own_signatures)
    app.connect("source-read", read_page)
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("html-page-context", load_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def skip_generated_modules(app: Sphinx) -> None:
    """Prevent Sphinx from parsing the base classes in the CDK, which are 183 MB of generated Python."""
    import replicas_cdk  # noqa: F401 (importing it also imports the generated modules)

    for module in list(sys.modules):
        if module.partition(".")[0] in _GENERATED_MODULES:
            ModuleAnalyzer.cache["module", module] = PycodeError(f"{module} is not parsed")


def without_constraints(app: Sphinx) -> None:
    """Remove pydantic's constraints from the types of fields. The docstrings state them in words."""
    import replicas

    for name in replicas.__all__:
        thing = getattr(replicas, name)
        if dataclasses.is_dataclass(thing) and isinstance(thing, type):
            thing.__annotations__ = typing.get_type_hints(thing)


def with_own_signatures(app: Sphinx) -> None:
    """Show the real arguments of a construct instead of the signature of jsii's metaclass."""
    import replicas_cdk

    for name in replicas_cdk.__all__:
        thing: Any = getattr(replicas_cdk, name)
        if isinstance(thing, JSIIMeta):
            signature = inspect.signature(inspect.getattr_static(thing, "__init__"))
            thing.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])


def read_page(app: Sphinx, name: str, source: list[str]) -> None:
    """Change the text of a page before it is parsed."""
    source[0] = pages.page(name, Path(str(app.env.doc2path(name))), source[0])


def read_docstring(app: Sphinx, kind: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Change a docstring, in place, before it is parsed.

    Napoleon parses the sections of functions, classes and properties. Attributes are skipped, because Napoleon would
    treat the words before the first colon as the type.
    """
    text = pages.docstring("\n".join(lines))
    if kind not in ("attribute", "data"):
        read_as = "method" if kind == "property" else kind  # a property can have sections like a method
        text = str(GoogleDocstring(text, app.config, app, read_as, name, thing, options))
    lines[:] = text.split("\n")


class Mermaid(SphinxDirective):
    """Directive for a Mermaid diagram."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the source of the diagram. A script in the page replaces it with a drawing."""
        text = escape("\n".join(self.content), quote=False)
        return [nodes.raw("", f'<pre class="mermaid">{text}</pre>', format="html")]


def load_scripts(app: Sphinx, name: str, template: str, context: dict[str, Any], tree: nodes.document | None) -> None:
    """Load the script that draws diagrams on pages that contain diagrams."""
    if tree is not None and any('class="mermaid"' in node.astext() for node in tree.findall(nodes.raw)):
        app.add_js_file("mermaid.tiny.js")
        app.add_js_file("diagrams.js")
