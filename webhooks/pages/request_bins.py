"""Pages of request bins."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config.api.exceptions import DomainError
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached
from webhooks.bin_addresses import request_bin_url
from webhooks.forms import BinAnswerForm, RequestBinForm
from webhooks.models import RequestBin
from webhooks.services.request_bins import (
    REQUESTS_KEPT,
    request_bin_create,
    request_bin_delete,
    request_bin_update,
)


@require_http_methods(["GET", "POST"])
@reached(*READERS)
def bin_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The reach's bins, and the form of a new one."""
    bins = RequestBin.objects.select_related("organization").filter(expires_at__gt=timezone.now())
    if reach.organization:
        bins = bins.for_organization(reach.organization.id)
    form = RequestBinForm(request.POST or None, reach=reach)
    if request.method == "POST" and reach.may_govern and form.is_valid():
        try:
            made = request_bin_create(**form.terms(), actor=actor_of(request))
        except DomainError as error:
            form.add_error(None, error.message)
        else:
            return redirect("dashboard-webhook-bin", pk=made.pk)
    shown = [{"bin": one, "url": request_bin_url(one)} for one in bins.order_by("-created_at")[:200]]
    context = {"bins": shown, "form": form, "reach": reach, "tab": "bins"}
    return render(request, "dashboard/webhooks/bins.html", context, status=422 if form.errors else 200)


@require_GET
@reached(*READERS)
def bin_detail(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """One bin, and what it received, the newest first."""
    request_bin = get_object_or_404(RequestBin, pk=pk)
    context = {
        "bin": request_bin,
        "url": request_bin_url(request_bin),
        "form": BinAnswerForm(initial={"answer_status": request_bin.answer_status}),
        "received": request_bin.requests.order_by("-id")[:REQUESTS_KEPT],
        "reach": reach,
    }
    return render(request, "dashboard/webhooks/bin.html", context)


@require_POST
@reached(*GOVERNORS)
def bin_answer(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Have a bin answer another status from now on."""
    get_object_or_404(RequestBin.objects.only("id"), pk=pk)
    form = BinAnswerForm(request.POST)
    if form.is_valid():
        changed = request_bin_update(request_bin_id=pk, changes=form.cleaned_data, actor=actor_of(request))
        messages.success(
            request, _("The bin answers %(status)d from now on.") % {"status": changed.answer_status}
        )
    else:
        messages.error(request, _("Choose a status from 200 to 599."))
    return redirect("dashboard-webhook-bin", pk=pk)


@require_POST
@reached(*GOVERNORS)
def bin_delete(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Delete a bin and what it received."""
    get_object_or_404(RequestBin.objects.only("id"), pk=pk)
    request_bin_delete(request_bin_id=pk, actor=actor_of(request))
    messages.success(request, _("The bin is deleted."))
    return redirect("dashboard-webhook-bins")
