"""Networks: the student that hears and the teachers that see."""
