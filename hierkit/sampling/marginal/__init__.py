"""The engine `marginal`: Gaussian outcomes, with coefficients and group effects integrated out."""
