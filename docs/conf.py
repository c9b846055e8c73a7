"""How Sphinx builds the documentation: `make docs`. Nothing is fetched from the network."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

import workbench  # noqa: E402

project = "Preference Workbench"
author = "the Preference Workbench"
version = release = workbench.__version__
language = "en_GB"
# they would make a dash of the two hyphens of an option
smartquotes = False

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "building.mathml",
    "building.generated",
    "building.references",
]
exclude_patterns = ["building", "pictures/*.py"]

myst_enable_extensions = ["dollarmath", "deflist", "colon_fence"]
myst_heading_anchors = 3

napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
add_module_names = False
# the pages say what there is of these; nothing of them is computed
autodoc_mock_imports = ["torch", "transformers", "peft", "accelerate", "psutil"]

# Types of docstrings are words for people ("sequence of str"), and short names are those of the
# module at hand. A full name of a part of the workbench has to be there (building.references).
nitpick_ignore_regex = [(r"py:.*", r"(?!workbench\.).*")]

html_theme = "furo"
html_title = "Preference Workbench"
html_static_path = ["building/static"]
html_css_files = ["docs.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0072B2", "color-brand-content": "#0067A3"},
    "dark_css_variables": {"color-brand-primary": "#56B4E9", "color-brand-content": "#56B4E9"},
}
