"""Rows that were not fitted."""
