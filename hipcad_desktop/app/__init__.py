"""Settings, paths, messages, logging: the wiring."""
