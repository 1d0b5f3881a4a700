"""How the pages here become a site: `make docs`. Nothing of it is loaded from elsewhere."""

from importlib.metadata import metadata

_RUNTIME = metadata("greenlang-runtime")

project = "GreenLang"
author = _RUNTIME["Author"]
release = _RUNTIME["Version"]

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["build"]
nitpicky = True

# Definition lists for the glossary; links to headings within a page.
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
# Program texts of the language and shell output stand in plain blocks.
highlight_language = "none"
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_title = f"GreenLang {release}"
html_theme_options = {"navigation_with_keys": True}
html_copy_source = False
html_show_sphinx = False
