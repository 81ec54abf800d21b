"""Evaluation: a model measured on a dataset, its figures, its errors, and a reader who judges the heat maps."""
