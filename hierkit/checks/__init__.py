"""What to know before using a fit."""
