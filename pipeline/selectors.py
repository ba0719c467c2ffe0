"""Reads of the pipeline: what exports hold, what belongs to a lead, what pages show."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef

from config import tenancy
from config.api.pagination import filter_dates
from leads.models import Lead
from leads.serializers import LeadOut
from pipeline.models import Assignment, Change, Export, Policy, Proposal, Quote
from pipeline.serializers.policies import PolicyOut

LOT = 1000
# Of each thing that a lead has, as many are shown with it.
SHOWN = 50
_STAGE_SHOWN = 20
_STEPS_SHOWN = 500

WIRES: dict[str, Any] = {Export.Kind.LEADS: LeadOut, Export.Kind.POLICIES: PolicyOut}


def history_of(subject_id: UUID) -> list[Change]:
    """What happened last to an assignment, quote, proposal or policy, oldest first."""
    return list(Change.objects.filter(subject_id=subject_id).order_by("-at", "-id")[:_STEPS_SHOWN])[::-1]


def belongings_of(lead: Lead) -> dict[str, list[Any]]:
    """What the pipeline has of a lead, each newest first."""
    kinds: dict[str, Any] = {
        "assignments": Assignment,
        "quotes": Quote,
        "proposals": Proposal,
        "policies": Policy,
    }
    return {
        name: list(
            model.objects.filter(lead=lead).select_related("agent").order_by("-created_at", "-id")[:SHOWN]
        )
        for name, model in kinds.items()
    }


def export_rows(export: Export) -> Any:
    """The rows that go into an export, in the order of their ids. Needs the tenant's context."""
    model: Any = Lead if export.kind == Export.Kind.LEADS else Policy
    given = export.filters
    rows = model.objects.for_organization(export.organization_id, export.environment)
    if company_id := given.get("companyId"):
        rows = rows.of_company(UUID(company_id))
    if "status" in given:
        rows = rows.filter(status=given["status"])
    if "agentId" in given:
        rows = rows.filter(agent_id=given["agentId"])
    if "search" in given:
        found = given["search"]
        is_lead = export.kind == Export.Kind.LEADS
        rows = rows.matching(found) if is_lead else rows.named("number", "product", search=found)
    return filter_dates(rows, given).order_by("id")


def export_lots(export: Export) -> Iterator[list[dict[str, Any]]]:
    """An export's rows in the wire's form, lot by lot; each is a transaction of its own."""
    after: UUID | None = None
    while True:
        with tenancy.tenant(export.organization_id, export.environment):
            rows = export_rows(export)
            lot = list((rows.filter(id__gt=after) if after else rows)[:LOT])
            shown = [dict(WIRES[export.kind](row).data) for row in lot]
        if not lot:
            return
        yield shown
        after = lot[-1].id


def _of_lead(model: Any, **given: Any) -> Exists:
    return Exists(model.objects.filter(lead=OuterRef("pk"), **given))


def stages(leads: Any) -> list[tuple[str, list[Lead], bool]]:
    """The board: of each stage its newest leads, and whether there are more.

    A lead stands where it has come furthest: a policy, a proposal, a quote; else its status.
    """
    quoted, proposed, insured = _of_lead(Quote), _of_lead(Proposal), _of_lead(Policy)
    offered = _of_lead(Assignment, status__in=(Assignment.Status.OFFERED, Assignment.Status.ACCEPTED))
    at_work = leads.filter(status=Lead.Status.QUALIFIED).filter(~insured)
    columns = (
        ("new", leads.filter(status=Lead.Status.NEW)),
        ("qualified", at_work.filter(~quoted)),
        ("quoted", at_work.filter(quoted, ~proposed)),
        ("proposed", at_work.filter(proposed)),
        ("converted", leads.filter(status=Lead.Status.CONVERTED)),
        ("rejected", leads.filter(status=Lead.Status.REJECTED)),
    )
    board = []
    for name, rows in columns:
        rows = rows.annotate(is_assigned=offered).select_related("agent", "organization")
        found = list(rows.order_by("-updated_at", "-id")[: _STAGE_SHOWN + 1])
        board.append((name, found[:_STAGE_SHOWN], len(found) > _STAGE_SHOWN))
    return board
