"""What a durable job costs beside a plain Celery task, and how fair its queue is (docs/performance.md)."""
