"""Side by side with peers and floors: ratios measured in one run, never a test."""
