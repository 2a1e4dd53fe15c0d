"""A picture that ends a cell is shown, and once, whether or not pyplot has been used before."""

from typing import Any

import nbclient
import nbformat
import pytest

SETUP = """
import hierkit
options = {"draws": 100, "tune": 200, "random_seed": 1, "progressbar": False}
fit = hierkit.fit("csat ~ wait + (1 | team)", hierkit.datasets.csat(), **options)
"""
PYPLOT = """
import matplotlib.pyplot as plt
plt.subplots()
None
"""


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of Jupyter's own libraries
def test_each_cell_shows_its_picture_once(tmp_path: Any) -> None:
    cells = [SETUP, "fit.icc().plot()", "fit.plot_trace()", PYPLOT, "fit.icc().plot()", "fit.plot_replicates()"]
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
    done = nbclient.NotebookClient(book, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    pictures = [sum("image/png" in out.get("data", {}) for out in cell.outputs) for cell in done.cells]
    assert pictures == [0, 1, 1, 1, 1, 1]
