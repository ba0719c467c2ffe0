"""Dashboard pages of call types: what an organization wants heard in its calls, in its own words."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from jobs.analysis.phrases import CALL_TYPES, CHECKLIST
from jobs.forms import ChecklistForm
from jobs.models import Checklist
from jobs.services.checklists import CallTypeTaken, checklist_create, checklist_delete, checklist_update
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached

_SHOWN = 200


@require_GET
@reached(*READERS)
def checklist_list(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The organization's own call types, and the standard ones."""
    own = Checklist.objects.select_related("organization").order_by("call_type", "environment", "id")
    if reach.organization:
        own = own.for_organization(reach.organization.id)
    context = {"own": own[:_SHOWN], "standard": CALL_TYPES, "reach": reach, "tab": "types"}
    return render(request, "dashboard/calls/checklists.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def checklist_new(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The form of a call type's checklist; of the organization the person is in."""
    if reach.organization is None:
        raise Http404
    given = {name: value for name, value in request.GET.items() if name in ("call_type", "environment")}
    form = ChecklistForm(request.POST or None, initial=given)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = checklist_create(
                organization_id=reach.organization.id,
                environment=data["environment"],
                call_type=data["call_type"],
                actor=actor_of(request),
                **form.terms(),
            )
        except CallTypeTaken as error:
            form.add_error("call_type", error.message)
        else:
            messages.success(request, _("Calls of this type are judged by your checklist from now on."))
            return redirect("dashboard-checklist", pk=made.id)
    return _form(request, reach, form)


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*GOVERNORS)
def checklist_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """The form of a checklist; a change is its next version."""
    checklist = get_object_or_404(Checklist.objects.select_related("organization"), pk=pk)
    form = ChecklistForm(request.POST or None, checklist=checklist)
    if request.method == "POST" and form.is_valid():
        checklist = checklist_update(checklist_id=pk, actor=actor_of(request), **form.terms())
        messages.success(request, _("Saved as version %(n)s.") % {"n": checklist.version})
        return redirect("dashboard-checklist", pk=pk)
    return _form(request, reach, form, checklist)


@require_POST
@reached(*GOVERNORS)
def checklist_remove(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Back to the standard checklist."""
    get_object_or_404(Checklist.objects.only("id"), pk=pk)
    checklist_delete(checklist_id=pk, actor=actor_of(request))
    messages.success(request, _("Calls of this type are judged by the standard checklist again."))
    return redirect("dashboard-checklists")


def _form(
    request: HttpRequest, reach: Reach, form: ChecklistForm, checklist: Checklist | None = None
) -> HttpResponse:
    context = {
        "form": form,
        "checklist": checklist,
        "known": CHECKLIST,
        "types": sorted(CALL_TYPES),
        "reach": reach,
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "dashboard/calls/checklist_form.html", context, status=status)
