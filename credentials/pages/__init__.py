"""The dashboard's pages about keys and their requests."""
