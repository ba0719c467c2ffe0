"""Dashboard pages: background jobs, and recorded calls with what their analysis found."""
