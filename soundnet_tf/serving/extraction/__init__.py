"""Features of many files in one."""
