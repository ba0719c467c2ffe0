"""Dashboard pages of sites and widgets."""
