"""What is fitted: a formula and a table become a design, priors and a Bambi model."""
