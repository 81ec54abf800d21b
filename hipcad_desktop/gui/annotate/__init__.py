"""Annotation: rectangles by hand, the reader's verdict, what becomes of the film."""
