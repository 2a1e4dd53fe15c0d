"""A fit in one file: Zarr arrays and JSON in a zip."""
