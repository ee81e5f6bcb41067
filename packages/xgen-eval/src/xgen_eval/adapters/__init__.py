"""Our models in other harnesses."""
