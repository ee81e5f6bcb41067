"""Files of programming problems, one format a module."""
