"""The film on the screen: pixels, marks and the hand on them."""
