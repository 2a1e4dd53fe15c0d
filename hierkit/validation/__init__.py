"""Rows and groups left out, and models compared by them."""
