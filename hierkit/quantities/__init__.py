"""What is read from the draws: pure functions, a topic a file."""
