import numpy as np
from pictures import points
from synthetic import synthetic_fit, table


def test_each_statement_has_its_probability() -> None:
    found = synthetic_fit("y ~ x + (1 | g)", table(60)).probability("x < 0", "sigma > 2")
    (axes,) = found.plot().axes
    np.testing.assert_allclose(points(axes)[:, 0], found.draws["probability"])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x < 0", "sigma > 2"]
