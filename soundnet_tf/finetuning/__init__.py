"""Classifiers of one's own labels."""
