"""Writes of the invoices app."""
