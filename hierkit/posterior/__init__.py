"""Draws as a quantity sees them, and what it gives back."""
