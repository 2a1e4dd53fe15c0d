"""How the site is built: pages with executed examples, the lessons, and the interface from docstrings."""

import shutil
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import hierkit

project, author = "hierkit", "The hierkit developers"
copyright = author
release = version = hierkit.__version__

extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc"]
html_math_renderer = "mathml"
exclude_patterns = ["_build"]
html_theme = "pydata_sphinx_theme"
html_title = "hierkit"
html_theme_options = {
    "show_prev_next": False,
    "navbar_align": "left",
    "navbar_persistent": [],
    "secondary_sidebar_items": ["page-toc"],
    "navigation_with_keys": False,
}
html_sidebars = {"*": []}  # only lessons and quantities have neighbours to go to
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False

myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_output_stderr = "error"  # an example or a lesson that warns is not as it should be

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

# the lessons are one folder above, where people look for notebooks
HERE = Path(__file__).parent
shutil.rmtree(HERE / "lessons", ignore_errors=True)
shutil.copytree(HERE.parent / "notebooks", HERE / "lessons", ignore=shutil.ignore_patterns(".*"))


def setup(app: Sphinx) -> None:
    """Mathematics as MathML, which browsers draw by themselves: no script, no network."""

    def inline(writer: HTML5Translator, node: nodes.math) -> None:
        writer.body.append(convert(node.astext()))
        raise nodes.SkipNode

    def block(writer: HTML5Translator, node: nodes.math_block) -> None:
        writer.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>')
        raise nodes.SkipNode

    app.add_html_math_renderer("mathml", (inline, None), (block, None))
