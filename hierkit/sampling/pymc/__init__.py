"""The engine `pymc`: Bambi's PyMC model, for every model."""
