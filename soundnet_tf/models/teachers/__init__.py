"""Vision networks that look at the frames."""
