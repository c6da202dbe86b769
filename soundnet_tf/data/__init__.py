"""From video files to batches: preparation, records, pipelines."""
