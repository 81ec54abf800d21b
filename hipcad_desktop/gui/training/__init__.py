"""The training launcher: dataset, recipe, target; the run as it goes; its result."""
