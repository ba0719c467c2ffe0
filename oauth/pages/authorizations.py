"""What people have consented to: one's own apps, and for owners and managers everybody's here."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from config import tenancy
from config.api.exceptions import DomainError
from oauth.models import Authorization
from oauth.selectors import authorizations_matching, authorizations_shown
from oauth.services.authorizations import authorization_revoke
from partners.pages import PAGE_SIZE, actor_of, reach_of, signed_in


@require_GET
@login_required
def authorization_list(request: HttpRequest) -> HttpResponse:
    """One's own authorizations in every organization; with `all=1`, everybody's where one governs."""
    user, reach = signed_in(request), reach_of(request)
    may_see_all = reach is not None and reach.may_govern
    everybody = may_see_all and request.GET.get("all") == "1"
    search = request.GET.get("q", "").strip()[:200]
    with reach.context() if reach and everybody else tenancy.operator():
        rows: Any = authorizations_shown()
        if not everybody:
            rows = rows.filter(user=user)
        if search:
            rows = rows.filter(authorizations_matching(search))
        page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page"))
        context = {
            "reach": reach,
            "authorizations": list(page),
            "page_obj": page,
            "everybody": everybody,
            "may_see_all": may_see_all,
            "filters": {"q": search},
        }
        return render(request, "dashboard/clients/authorizations.html", context)


@require_POST
@login_required
def authorization_end(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take back one's own consent, or, governing the organization, anybody's in it."""
    user, reach = signed_in(request), reach_of(request)
    with tenancy.operator():
        mine = Authorization.objects.filter(pk=pk, user=user).exists()
    with tenancy.operator() if mine or reach is None else reach.context():
        if not mine and (reach is None or not Authorization.objects.filter(pk=pk).exists()):
            raise Http404
        try:
            ended = authorization_revoke(authorization_id=pk, actor=actor_of(request), user=user)
        except DomainError as error:
            messages.error(request, error.message)
        else:
            text = _("%(name)s has no access any more.") % {"name": ended.application.name}
            messages.success(request, text)
    back = request.POST.get("back", "")
    return redirect("dashboard-client", pk=back) if _is_uuid(back) else redirect("dashboard-authorizations")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
