"""A trained student in the forms that others use."""
