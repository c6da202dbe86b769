"""Films of labelled sounds, and what a teacher would say of pictures that nobody took."""
