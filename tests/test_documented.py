"""Methods show the docstring of the function that they call, without what they do not take."""

import inspect

from hierkit.documented import documented_by


def function(posterior: int, first: int, second: int, third: int) -> int:
    """Add numbers.

    With a paragraph.

    Parameters
    ----------
    posterior : int
        What the method brings along.
    first, second : int
        Numbers,
        in two lines.

        And a paragraph.
    third : int
        Another.

    Returns
    -------
    int
        The sum.
    """
    return posterior + first + second + third


def test_parameters_that_the_method_does_not_have_are_left_out() -> None:
    @documented_by(function)
    def method(self: object, first: int, second: int) -> None: ...

    text = inspect.getdoc(method)
    assert text == inspect.cleandoc(
        """Add numbers.

        With a paragraph.

        Parameters
        ----------
        first, second : int
            Numbers,
            in two lines.

            And a paragraph.

        Returns
        -------
        int
            The sum.
        """
    )


def test_a_method_without_parameters_has_no_section_of_them() -> None:
    @documented_by(function)
    def method(self: object) -> None: ...

    text = str(inspect.getdoc(method))
    assert "Parameters" not in text
    assert text.endswith("The sum.")
    assert "With a paragraph.\n\nReturns\n-------" in text
