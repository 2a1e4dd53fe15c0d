"""The same rows by older methods. statsmodels is imported here only."""
