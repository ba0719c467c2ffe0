"""Who is offered leads, how they are chosen, and how much each takes."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from config.tenancy import Environment
from partners.models import GOVERNORS, READERS
from partners.pages import Reach, actor_of, reached
from pipeline.forms import DeskForm, RosterForm
from pipeline.models import Desk, Roster
from pipeline.services.rosters import desk_update, loads, roster_complete, roster_update


@never_cache
@require_http_methods(["GET", "POST"])
@reached(*READERS)
def roster(request: HttpRequest, reach: Reach) -> HttpResponse:
    """The organization's agents with what each has on the desk; a governor changes how they are chosen."""
    if reach.organization is None:
        raise Http404
    environment = request.POST.get("environment") or request.GET.get("environment", "")
    if environment not in Environment:
        environment = Environment.PRODUCTION
    held: Roster = roster_complete(reach.organization.id, environment)
    names = ("strategy", "answer_minutes", "max_offers")
    form = RosterForm(request.POST or None, initial={name: getattr(held, name) for name in names})
    if request.method == "POST":
        if not reach.may_govern:
            raise Http404
        if form.is_valid():
            roster_update(
                organization_id=reach.organization.id,
                environment=environment,
                actor=actor_of(request),
                **form.cleaned_data,
            )
            messages.success(request, _("Saved."))
            return redirect(f"{request.path}?environment={environment}")
    load = loads(reach.organization.id, environment)
    desks = Desk.objects.for_organization(reach.organization.id, environment).of_world()
    context = {
        "form": form,
        "desks": [(desk, load[desk.agent_id]) for desk in desks],
        "environment": environment,
        "environments": Environment.choices,
        "reach": reach,
        "tab": "roster",
    }
    return render(request, "dashboard/pipeline/roster.html", context, status=422 if form.errors else 200)


@require_POST
@reached(*GOVERNORS)
def desk_change(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Change how many leads an agent takes, and whether any."""
    desk = get_object_or_404(Desk, pk=pk)
    form = DeskForm(request.POST)
    if form.is_valid():
        desk_update(desk_id=pk, actor=actor_of(request), **form.cleaned_data)
        messages.success(request, _("Saved."))
    else:
        messages.error(request, _("A capacity is a number from 0 to 10,000."))
    return redirect(f"{reverse('dashboard-pipeline-roster')}?environment={desk.environment}")
