"""Verify-and-Edit, Chain-of-Knowledge, and the methods that they are compared with."""
