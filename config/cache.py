"""The cache behind sign-in throttling: when its store does not answer, it forgets instead of failing."""

from typing import Any

import redis
import structlog
from django.core.cache.backends.redis import RedisCache, RedisCacheClient

log = structlog.get_logger(__name__)


class _Client(RedisCacheClient):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._clients: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        # Django makes one for each call, which costs more than the call itself
        client = self._clients.get(write)
        if client is None:
            client = self._clients[write] = super().get_client(key, write=write)
        return client

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(False, super().add, *args, **kwargs)

    def get(self, key: Any, default: Any) -> Any:
        return self._or(default, super().get, key, default)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(None, super().set, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._or(False, super().delete, *args, **kwargs)

    def incr(self, key: Any, delta: int) -> Any:
        counted = self._or(None, super().incr, key, delta)
        if counted is None:  # an empty cache has nothing to add to
            raise ValueError(f"Key '{key}' not found.")
        return counted

    def _or(self, fallback: Any, ask: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return ask(*args, **kwargs)
        except redis.RedisError as error:
            log.warning("cache_unavailable", error=str(error))
            return fallback


class ForgetfulRedisCache(RedisCache):
    """Django's Redis cache, except that an outage of the store is an empty cache that keeps nothing.

    Who is signed in stays so; signing in is refused (429), since nobody could count the guesses.
    """

    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
