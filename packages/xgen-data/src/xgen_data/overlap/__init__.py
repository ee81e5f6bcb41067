"""Text that occurs twice."""
