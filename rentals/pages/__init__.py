"""Dashboard pages of rentals."""
