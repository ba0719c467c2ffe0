"""Dashboard pages of the pipeline, and the page on which an end customer answers a proposal."""
