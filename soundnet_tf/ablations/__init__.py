"""The paper's tables of ablations as commands."""
