"""The wire form of the pipeline (contract D)."""
