"""Ops' view of keys (never a secret or its hash) and of the request log."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from config.admin_site import ReadOnlyAdmin
from config.tenancy import Environment
from credentials.models import ApiKey, RequestLog
from credentials.selectors.requests import RequestSearch, request_find

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
STATUSES = ("2", "4", "5", "400", "401", "403", "404", "409", "422", "429", "500", "503")
AGES = {
    "1h": (_("more than an hour ago"), timedelta(hours=1)),
    "1d": (_("more than a day ago"), timedelta(days=1)),
    "7d": (_("more than 7 days ago"), timedelta(days=7)),
    "30d": (_("more than 30 days ago"), timedelta(days=30)),
}


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = (
        "name",
        "key_id",
        "organization",
        "environment",
        "status",
        "expires_at",
        "last_used_at",
    )
    list_filter = ("status", "environment", "tier", "organization_wide")
    list_select_related = ("organization",)
    search_fields = ("name", "key_id", "organization__name", "id")


class _Choice(admin.SimpleListFilter):
    """A list of fixed choices, which RequestLogAdmin.get_queryset applies.

    The admin's own filters would look through the whole log for the values to offer.
    """

    choices_offered: tuple[tuple[str, Any], ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return self.choices_offered

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset


class MethodFilter(_Choice):
    title, parameter_name = _("method"), "method"
    choices_offered = tuple((method, method) for method in METHODS)


class StatusFilter(_Choice):
    title, parameter_name = _("status"), "status"
    choices_offered = tuple((status, f"{status}xx" if len(status) == 1 else status) for status in STATUSES)


class EnvironmentFilter(_Choice):
    title, parameter_name = _("environment"), "environment"
    choices_offered = tuple(Environment.choices)


class AgeFilter(_Choice):
    title, parameter_name = _("age"), "age"
    choices_offered = tuple((name, label) for name, (label, _age) in AGES.items())


class UncountedPaginator(Paginator):
    """Pages of the newest rows: counting stops where the pages do."""

    most = 1000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows[: self.most].count()


@admin.register(RequestLog)
class RequestLogAdmin(ReadOnlyAdmin):
    """One look-up of credentials/selectors/requests.py; older rows by age, or in the dashboard."""

    list_display = (
        "created_at",
        "method",
        "endpoint",
        "response_status",
        "error_code",
        "response_time_ms",
        "key_id",
        "person",
        "request_id",
    )
    list_filter = (StatusFilter, MethodFilter, EnvironmentFilter, AgeFilter)
    search_fields = ("request_id",)
    search_help_text = _("A request id, a key id, a person's e-mail, or the beginning of a path.")
    ordering = ("-created_at", "-id")
    sortable_by = ()
    show_facets = admin.ShowFacets.NEVER
    paginator = UncountedPaginator

    @admin.display(description=_("person"))
    def person(self, row: RequestLog) -> Any:
        # of an account that is gone its id is left
        return getattr(row, "person", None) or row.user_id

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        asked = {name: request.GET.get(name, "").strip()[:200] for name in ("q", *_PARAMETERS)}
        sought = asked["q"]
        place = _place(sought)
        search = RequestSearch(
            request_id=sought if place == "request_id" else "",
            key=sought if place == "key" else "",
            person=sought if place == "person" else "",
            path=sought if place == "path" else "",
            status=asked["status"] if asked["status"] in STATUSES else "",
            method=asked["method"] if asked["method"] in METHODS else "",
            environment=asked["environment"] if asked["environment"] in Environment.values else "",
            until=timezone.now() - AGES[asked["age"]][1] if asked["age"] in AGES else None,
        )
        rows, _reached = search.rows()
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet, bool]:
        return queryset, False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        try:
            return request_find(UUID(object_id))
        except (ValueError, RequestLog.DoesNotExist):
            return None


def _place(sought: str) -> str:
    if sought.startswith("/"):
        return "path"
    if sought.startswith("pk_"):
        return "key"
    return "person" if "@" in sought else "request_id"


_PARAMETERS = ("status", "method", "environment", "age")
