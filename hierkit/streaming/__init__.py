"""Rows of which only sums or counts are kept: more than memory holds, read a chunk at a time."""
