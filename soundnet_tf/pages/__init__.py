"""Web pages of our own: templates, a style, sounds, pictures and charts that stand inside them."""
