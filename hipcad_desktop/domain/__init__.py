"""What the program is about: nouns, standard library only."""
