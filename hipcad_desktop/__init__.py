"""HipCAD Desktop: annotate, train and diagnose hip fractures on frontal pelvic films. Research use only."""

__version__ = "0.1.0"
