"""Who belongs to an organization: owners and super-admins add, change and remove members."""

from typing import Any
from uuid import UUID

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from config.api.exceptions import DomainError
from credentials.forms import MemberForm
from credentials.pages.organizations import organization_page
from credentials.services.members import member_add, member_change_role, member_remove
from partners.models import Membership, Organization, User
from partners.pages import Reach, actor_of, reached
from partners.selectors import account_of
from partners.services.organizations import user_create


@never_cache
@require_POST
@reached(Membership.Role.OWNER)
def member_new(request: HttpRequest, reach: Reach, pk: UUID) -> HttpResponse:
    """Give the person of an e-mail address a role.

    Only super-admins make the account where there is none, and get a link that sets its password: an
    owner who held that link would hold the account in every other organization, too.
    """
    organization = get_object_or_404(Organization, pk=pk)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return organization_page(request, reach, pk, status=422, form=form)
    email, actor = form.cleaned_data["email"], actor_of(request)
    user = account_of(email)
    known = user is not None
    if user is None:
        if not reach.is_everywhere:
            form.add_error(
                "email", _("Nobody has an account with this address. Ask a super-admin to make it.")
            )
            return organization_page(request, reach, pk, status=422, form=form)
        user = user_create(email=email, full_name=form.cleaned_data["full_name"], actor=actor)
    try:
        member_add(organization=organization, user=user, role=form.cleaned_data["role"], actor=actor)
    except DomainError as error:
        form.add_error(None, error.message)
        return organization_page(request, reach, pk, status=422, form=form)
    if known:
        messages.success(request, _("%(email)s belongs to the organization now.") % {"email": email})
        return redirect("organization-detail", pk=pk)
    context = {"organization": organization, "person": user, "link": _password_link(request, user)}
    return render(request, "dashboard/organizations/invited.html", context)


@require_POST
@reached(Membership.Role.OWNER)
def member_role(request: HttpRequest, reach: Reach, pk: UUID, membership_id: UUID) -> HttpResponse:
    """Change a member's role."""
    role = request.POST.get("role", "")
    if role not in Membership.Role:
        raise Http404
    return _changed(request, pk, _("The role is changed."), member_change_role, membership_id, role=role)


@require_POST
@reached(Membership.Role.OWNER)
def member_gone(request: HttpRequest, reach: Reach, pk: UUID, membership_id: UUID) -> HttpResponse:
    """Take a member out of the organization."""
    return _changed(request, pk, _("The member is removed."), member_remove, membership_id)


def _changed(
    request: HttpRequest, pk: UUID, done: str, change: Any, membership_id: UUID, **given: Any
) -> HttpResponse:
    organization = get_object_or_404(Organization, pk=pk)
    try:
        change(organization=organization, membership_id=membership_id, actor=actor_of(request), **given)
    except Membership.DoesNotExist as error:
        raise Http404 from error
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, done)
    return redirect("organization-detail", pk=pk)


def _password_link(request: HttpRequest, user: User) -> str:
    token = default_token_generator.make_token(user)
    path = reverse(
        "account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(user), "key": token}
    )
    return request.build_absolute_uri(path)
