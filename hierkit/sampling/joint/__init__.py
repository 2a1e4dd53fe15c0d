"""The engine `joint`: parameters and group effects together, in coordinates from a pilot."""
