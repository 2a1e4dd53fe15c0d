"""What the compiled engines share."""
