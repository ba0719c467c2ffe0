"""Requests a minute for each key."""

from rest_framework.throttling import SimpleRateThrottle
from rest_framework_api_key.permissions import KeyParser


class KeyRateThrottle(SimpleRateThrottle):
    scope = "key"

    def get_cache_key(self, request, view):
        prefix, _, _ = KeyParser().get(request).partition(".")
        return self.cache_format % {"scope": self.scope, "ident": prefix}
