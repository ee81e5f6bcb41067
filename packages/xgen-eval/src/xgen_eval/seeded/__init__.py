"""What tasks share whose items are made, or laid out, from a seed."""
