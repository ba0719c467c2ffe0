"""Every query runs as the application role; only `migrate --database owner` uses the owner's login."""

from typing import Any


class ApplicationRole:
    """Reads and writes go to `default`; migrations only through `owner`, where it is configured."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "default"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"

    def allow_relation(self, first: Any, second: Any, **hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == "owner"
