"""The background work of leads."""

from leads import lead_import as _lead_import  # registers its job type

__all__ = ["_lead_import"]
