"""Small parts that several modes use."""
