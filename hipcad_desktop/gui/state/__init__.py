"""What the window knows, without widgets: QtCore and domain only."""
