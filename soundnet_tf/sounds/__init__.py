"""Sounds with human labels and folds."""
