"""Where rows come from besides a table in memory: files, Arrow datasets and streams."""
