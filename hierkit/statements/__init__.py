"""What is asked of a fit in words: differences of parameters, groups and predictions, and whether statements hold."""
