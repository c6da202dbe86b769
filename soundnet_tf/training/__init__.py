"""Distillation: losses, alignment, the step and the loop around it."""
