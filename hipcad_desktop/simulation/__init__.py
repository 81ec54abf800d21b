"""Films that no patient had: simulated pelves for samples and tests."""
