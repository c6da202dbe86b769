"""What all stages do on disk, local or remote."""
