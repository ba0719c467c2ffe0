"""One log row for each request."""

import time

from rest_framework_api_key.permissions import KeyParser

from p1.models import RequestLog


class RequestLogMiddleware:
    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        started = time.perf_counter()
        response = self.get_response(request)
        key = KeyParser().get(request) or ""
        RequestLog.objects.create(
            key_prefix=key.partition(".")[0],
            method=request.method,
            path=request.path[:500],
            response_status=response.status_code,
            response_time_ms=(time.perf_counter() - started) * 1000,
            ip=request.META.get("REMOTE_ADDR") or None,
        )
        return response
