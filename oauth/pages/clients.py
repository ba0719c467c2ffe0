"""The pages of API clients: list, make, see, change; their OAuth, secrets, and who has consented."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from config.tenancy import Environment
from credentials.forms import RotateForm
from credentials.models import ApiKey
from credentials.selectors.clients import clients_matching
from credentials.services.authority import grantable_scopes
from credentials.services.clients import client_create, client_delete, client_update
from credentials.services.suspension import client_change_status
from credentials.snapshots import client_limits
from oauth.forms import ClientChangeForm, ClientForm, OAuthForm
from oauth.models import Application
from oauth.selectors import authorizations_shown
from oauth.services.applications import (
    application_delete,
    application_set,
    client_secret_revoke,
    client_secret_rotate,
)
from partners.models import GOVERNORS, READERS, ApiClient, AuditEntry
from partners.pages import PAGE_SIZE, Reach, actor_of, audit_row, reached

SHOWN = 50


@require_GET
@reached(*READERS)
def client_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """API clients by name, with their live keys and consents; by search, status and environment."""
    filters = {name: request.GET.get(name, "").strip()[:200] for name in ("q", "status", "environment")}
    live = Count("api_keys", filter=Q(api_keys__status=ApiKey.Status.ACTIVE), distinct=True)
    given = Q(oauth_application__authorizations__revoked_at=None)
    consents = Count("oauth_application__authorizations", filter=given, distinct=True)
    rows = ApiClient.objects.select_related("organization", "oauth_application")
    rows = rows.annotate(active_keys=live, consents=consents).order_by("name", "id")
    if filters["q"]:
        rows = rows.filter(clients_matching(filters["q"]))
    if filters["status"] in ApiClient.Status:
        rows = rows.filter(status=filters["status"])
    if filters["environment"] in Environment:
        rows = rows.filter(environment=filters["environment"])
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "reach": reach,
        "clients": page,
        "page_obj": page,
        "filters": filters,
        "is_filtered": any(filters.values()),
        "statuses": ApiClient.Status.choices,
        "environments": Environment.choices,
    }
    return render(request, "dashboard/clients/list.html", context)


@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def client_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The form of a new API client."""
    actor = actor_of(request)
    initial = {"organization": reach.organization} if reach.organization else None
    form = ClientForm(request.POST or None, initial=initial, offered=grantable_scopes(actor))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        organization = data.pop("organization")
        try:
            client = client_create(organization_id=organization.id, actor=actor, **data)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("The API client is created. Give it a key, or turn on OAuth."))
            return redirect("dashboard-client", pk=client.pk)
    context = {"form": form, "scope_groups": form.scope_groups(), "reach": reach}
    return render(request, "dashboard/clients/form.html", context, status=422 if form.is_bound else 200)


@require_GET
@reached(*READERS)
def client_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One client: facts, keys, OAuth with its secrets, live authorizations, audit."""
    return _detail(request, reach, pk)


@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def client_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The form of a client's terms; its keys and tokens go by them at once."""
    client = get_object_or_404(ApiClient, pk=pk)
    actor = actor_of(request)
    form = ClientChangeForm.of(client, request.POST or None, offered=grantable_scopes(actor))
    if request.method == "POST" and form.is_valid():
        try:
            client_update(client_id=pk, changes=form.cleaned_data, actor=actor)
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, _("The client is changed."))
            return redirect("dashboard-client", pk=pk)
    context = {"form": form, "scope_groups": form.scope_groups(), "reach": reach, "client": client}
    return render(request, "dashboard/clients/form.html", context, status=422 if form.is_bound else 200)


@require_POST
@reached(*GOVERNORS)
def client_status(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Suspend or resume a client with all its keys and tokens."""
    status = request.POST.get("status", "")
    if status not in ApiClient.Status:
        raise Http404
    done = _("The client is suspended.") if status == "SUSPENDED" else _("The client works again.")
    return _done(request, pk, done, client_change_status, client_id=pk, status=status)


@require_POST
@reached(*GOVERNORS)
def client_remove(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Delete a client with its keys, webhooks and tokens, once its name was typed."""
    client = get_object_or_404(ApiClient, pk=pk)
    if request.POST.get("confirm", "").strip() != client.name:
        messages.error(request, _("Type the client's name to confirm; it was not deleted."))
        return redirect("dashboard-client", pk=pk)
    done = _("%(name)s is deleted with its keys, webhooks and tokens.") % {"name": client.name}
    return _done(request, pk, done, client_delete, to="dashboard-clients", client_id=pk)


@require_POST
@reached(*GOVERNORS)
def oauth_set(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Turn OAuth on, or change how the client uses it."""
    form = OAuthForm(request.POST)
    if not form.is_valid():
        return _detail(request, reach, pk, status=422, oauth_form=form)
    return _done(request, pk, _("Saved."), application_set, client_id=pk, **form.cleaned_data)


@require_POST
@reached(*GOVERNORS)
def oauth_off(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Turn OAuth off: secrets, consents and tokens are gone."""
    done = _("OAuth is off. Every token of the client is refused from now on.")
    return _done(request, pk, done, application_delete, client_id=pk)


@never_cache
@require_POST
@reached(*GOVERNORS)
def secret_rotate(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """A new client secret, shown once; the old one ends when the form says."""
    client = get_object_or_404(ApiClient, pk=pk)
    form = RotateForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose when the old secret ends."))
        return redirect("dashboard-client", pk=pk)
    try:
        issued = client_secret_rotate(
            client_id=pk, actor=actor_of(request), grace_s=form.cleaned_data["grace_seconds"]
        )
    except DomainError as error:
        messages.error(request, error.message)
        return redirect("dashboard-client", pk=pk)
    context = {
        "client": client,
        "client_id": issued.application.client_id,
        "secret": issued.secret,
        "old_ends_at": issued.old_ends_at,
        "curl_example": (
            f"curl -s -u {issued.application.client_id}:{issued.secret}"
            f" -d grant_type=client_credentials {settings.HUB_URL}/oauth/token"
        ),
    }
    return render(request, "dashboard/clients/reveal.html", context)


@require_POST
@reached(*GOVERNORS)
def secret_revoke(request: HttpRequest, reach: Reach, pk: UUID, secret_id: UUID) -> HttpResponse:
    """End a client secret at once."""
    done = _("The secret is revoked.")
    return _done(request, pk, done, client_secret_revoke, client_id=pk, secret_id=secret_id)


def _detail(request: HttpRequest, reach: Reach, pk: UUID, status: int = 200, **more: Any) -> HttpResponse:
    client = get_object_or_404(ApiClient.objects.select_related("organization"), pk=pk)
    application = Application.objects.filter(api_client=client).first()
    audit = AuditEntry.objects.select_related("organization").filter(
        target_type="apiclient", target_id=str(pk)
    )[:20]
    keys = ApiKey.objects.filter(client=client).order_by("-created_at", "-id")
    consents = authorizations_shown().filter(application__api_client=client)
    initial: dict[str, Any] = {"client_type": Application.Type.CONFIDENTIAL}
    if application:
        initial = {
            "client_type": application.client_type,
            "ip_allowlist": "\n".join(application.ip_allowlist),
        }
    may_hand_out = grantable_scopes(actor_of(request)) >= set(client.scopes)
    context = {
        "reach": reach,
        "client": client,
        "limits": client_limits(client),
        "keys": keys[:SHOWN],
        "key_routes": "partner-api" if reach.is_everywhere else "keys",
        "application": application,
        "secrets": application.live_secrets() if application else [],
        "consents": consents[:SHOWN],
        "consent_count": consents.count(),
        "oauth_form": OAuthForm(initial=initial),
        "issuer": settings.HUB_URL,
        "grace_choices": RotateForm().fields["grace_seconds"].choices,  # type: ignore[attr-defined]
        "may_set_up": reach.may_govern and may_hand_out,
        "audit": [audit_row(entry) for entry in audit],
        **more,
    }
    return render(request, "dashboard/clients/detail.html", context, status=status)


def _done(
    request: HttpRequest, pk: UUID, done: str, act: Any, *, to: str = "dashboard-client", **given: Any
) -> HttpResponse:
    """Do an act on a client as the signed-in person, and say how it went."""
    if not ApiClient.objects.filter(pk=pk).exists():
        raise Http404
    try:
        act(actor=actor_of(request), **given)
    except DomainError as error:
        if error.status == 403 and not grantable_scopes(actor_of(request)):
            raise PermissionDenied from error
        messages.error(request, error.message)
        return redirect("dashboard-client", pk=pk)
    messages.success(request, done)
    return redirect(to) if to != "dashboard-client" else redirect(to, pk=pk)
