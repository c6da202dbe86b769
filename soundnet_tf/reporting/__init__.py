"""A page about a network: what it is, how it learned, how good it is, and what it hears."""
