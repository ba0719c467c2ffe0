"""Writes of the pipeline: each step is one function, and one transaction."""
