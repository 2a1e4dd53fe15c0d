"""A fit, told: the same sections as text and as one HTML file."""
