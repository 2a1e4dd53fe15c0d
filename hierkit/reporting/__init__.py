"""A fit as a report: the same sections as text and as one HTML file."""
