"""What a fit is read for: one file for each page of docs/quantities, under the same name."""
