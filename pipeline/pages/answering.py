"""The page behind a proposal's signed link: the end customer reads it, and accepts or declines."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods

from config import tenancy
from config.api.client_address import client_address
from config.api.exceptions import DomainError
from partners.services.audit import Actor
from pipeline.forms import AnswerForm
from pipeline.links import proposal_of
from pipeline.models import Proposal
from pipeline.services.proposals import Answer, proposal_accept, proposal_reject

_DECIDED = (Proposal.Status.ACCEPTED, Proposal.Status.REJECTED)


@never_cache
@csrf_protect
@require_http_methods(["GET", "POST"])
def proposal_answer(request: HttpRequest, token: str) -> HttpResponse:
    """Show a sent proposal to whoever has its link, and take the one answer.

    404 for a link that we did not sign; 410 for one that is over, or that another one replaced. Once it was
    used, it says only what was answered.
    """
    with tenancy.operator():
        response = _answered(request, token)
    # the address is a credential: no other host is told it (without any referrer, Django takes no form)
    response["Referrer-Policy"] = "same-origin"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _answered(request: HttpRequest, token: str) -> HttpResponse:
    named = proposal_of(token)
    proposal = named and Proposal.objects.select_related("organization").filter(id=named[0]).first()
    if not named or not proposal:
        return render(request, "proposal/closed.html", {"why": "unknown"}, status=404)
    form = AnswerForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and proposal.link_nonce == named[1]:
        answer = request.POST.get("answer")
        try:
            if answer in ("accept", "decline"):
                _decide(request, proposal, named[1], form, accepts=answer == "accept")
                return redirect(request.path)
        except (DomainError, Proposal.DoesNotExist):
            # somebody was faster: another answer, or another link
            proposal.refresh_from_db()
    if proposal.link_nonce != named[1]:
        return render(request, "proposal/closed.html", {"why": "replaced"}, status=410)
    context = {"proposal": proposal, "form": form}
    if proposal.status in _DECIDED:
        status = 409 if request.method == "POST" else 200
        return render(request, "proposal/closed.html", context | {"why": "answered"}, status=status)
    if not proposal.can_be_answered:
        return render(request, "proposal/closed.html", {"why": "over"}, status=410)
    return render(request, "proposal/answer.html", context, status=422 if form.errors else 200)


def _decide(request: HttpRequest, proposal: Proposal, nonce: str, form: AnswerForm, *, accepts: bool) -> None:
    name, reason = form.cleaned_data["name"], form.cleaned_data["reason"]
    actor = Actor(f"customer: {name}"[:254], client_address(request.META), getattr(request, "request_id", ""))
    answer = Answer(name, Proposal.Door.LINK, request.headers.get("User-Agent", ""))
    if accepts:
        proposal_accept(proposal_id=proposal.id, answer=answer, actor=actor, nonce=nonce)
    else:
        proposal_reject(proposal_id=proposal.id, answer=answer, reason=reason, actor=actor, nonce=nonce)
