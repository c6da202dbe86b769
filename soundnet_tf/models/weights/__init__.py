"""Trained weights of others, read as data: nothing in them is run."""
