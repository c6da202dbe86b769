"""Using a trained student: export as a SavedModel."""
