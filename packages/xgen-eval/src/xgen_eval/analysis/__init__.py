"""Finished runs, read back: compared, sliced, joined to what was seen in training."""
