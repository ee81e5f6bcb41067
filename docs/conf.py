"""Sphinx settings: Markdown pages, one theme, every warning an error (see the Makefile)."""

project = "xgen"
copyright = "the xgen authors, Apache-2.0"
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "examples"]
html_theme = "furo"
html_title = "xgen"
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
