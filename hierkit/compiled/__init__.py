"""Arithmetic that NumPy would do in many passes, compiled by numba, once per machine."""
