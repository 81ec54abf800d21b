"""A file becomes pixels, pixels become the 380 x 380 hip image."""
