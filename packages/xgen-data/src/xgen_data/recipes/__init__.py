"""Data recipes that need no download."""
