"""Configuration of Sphinx for the documentation site: `make docs-site`."""

from __future__ import annotations

from pathlib import Path

from replicas.installation import __version__

SITE = Path(__file__).parent

project = "Replicas"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton", "scripts.site.extension"]
exclude_patterns = ["examples", "schemas"]

myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 4

autoclass_content = "both"
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = napoleon_numpy_docstring = False  # scripts.site.extension calls Napoleon itself

html_theme = "furo"
html_title = f"Replicas {__version__}"
html_static_path = [str(SITE / "static"), str(SITE / "node_modules" / "@mermaid-js" / "tiny" / "dist")]
html_copy_source = False
html_show_copyright = False
copybutton_exclude = ".linenos, .gp"
