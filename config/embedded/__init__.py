"""The PostgreSQL and Redis-compatible servers of `make run` and `make test`, and who looks after them.

Nothing here is imported by the web process or the workers.
"""
