"""Diagnosis mode: films in, and per hip a state, a probability and where the model looked."""
