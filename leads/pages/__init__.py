"""Dashboard pages: leads, and files of them that are imported."""
