"""Writes of the jobs app: running jobs, and taking in calls."""
