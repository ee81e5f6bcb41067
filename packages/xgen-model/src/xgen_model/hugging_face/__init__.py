"""Hugging Face directories: weights and configuration in, weights and configuration out."""
