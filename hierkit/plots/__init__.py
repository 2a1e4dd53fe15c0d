"""Labelled arrays as matplotlib figures, in ArviZ's look: one picture a file, each a function `draw(draws)`."""
