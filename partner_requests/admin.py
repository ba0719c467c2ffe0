"""Ops' view of partner requests; open ones can be completed or failed by hand."""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from config.admin_site import ReadOnlyAdmin
from config.api.exceptions import DomainError
from partner_requests.forms import DecisionForm
from partner_requests.models import Onboarding, PartnerRequest, Transition
from partner_requests.services.lifecycle import partner_request_decide
from partners.pages import actor_of


class TransitionInline(admin.TabularInline):
    model = Transition
    extra = 0
    fields = readonly_fields = ("at", "status", "actor", "reason")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(PartnerRequest)
class PartnerRequestAdmin(ReadOnlyAdmin):
    list_display = (
        "created_at",
        "type",
        "status",
        "client",
        "organization",
        "environment",
        "due_at",
        "is_late",
    )
    list_filter = ("status", "type", "environment", ("sla_breached_at", admin.EmptyFieldListFilter))
    list_select_related = ("client", "organization")
    search_fields = ("=id", "type", "client__name")
    ordering = ("-created_at", "-id")
    inlines = (TransitionInline,)
    change_form_template = "admin/partner_requests/decide.html"

    @admin.display(boolean=True, description="late")
    def is_late(self, row: PartnerRequest) -> bool:
        return row.sla_breached_at is not None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method == "POST":
            self._decide(request, UUID(object_id))
            return redirect(reverse("admin:partner_requests_partnerrequest_change", args=[object_id]))
        found = self.get_object(request, object_id)
        is_open = found is not None and found.settled_at is None
        context = {**(extra_context or {}), "decision": DecisionForm() if is_open else None}
        return super().change_view(request, object_id, form_url, context)

    def _decide(self, request: HttpRequest, request_id: UUID) -> None:
        form = DecisionForm(request.POST)
        if not form.is_valid():
            for field, errors in form.errors.items():
                self.message_user(request, f"{field}: {' '.join(map(str, errors))}", messages.ERROR)
            return
        try:
            partner_request_decide(request_id=request_id, actor=actor_of(request), **form.cleaned_data)
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        else:
            self.message_user(request, "The request is settled.", messages.SUCCESS)


@admin.register(Onboarding)
class OnboardingAdmin(ReadOnlyAdmin):
    list_display = ("company_name", "contact_email", "country", "client", "environment", "updated_at")
    list_filter = ("country", "environment")
    search_fields = ("company_name", "contact_email", "tax_id")
