"""Files of leads: kept, and taken in by lots, each row once whoever dies meanwhile."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from babel.numbers import get_territory_currencies
from django.db import transaction
from django.db.models.functions import Lower

from config.api.exceptions import Conflict, DomainError
from jobs.models import Job
from jobs.services.operations import job_cancel, job_rerun
from jobs.services.queueing import job_submit
from leads.csv_files import Row, columns_guess, fields_of, minor_read, others_of, shape_of, tags_read
from leads.models import Lead, LeadImport, RefusedRow
from leads.serializers import LeadTerms
from leads.services.leads import leads_create, terms_check
from partners.models import Agent, Company, Organization
from partners.services.audit import Actor, audit_record

LEAD_IMPORT = "lead_import"
_NAMED_LIKE_THE_COLUMN = ("name", "email", "phone", "externalId", "source", "notes", "currency")


class RowsTaken(Exception):
    """Somebody else has taken these rows in meanwhile."""


@transaction.atomic
def import_upload(
    *, organization_id: UUID, environment: str, file_name: str, content: bytes, actor: Actor
) -> LeadImport:
    """Keep a file for looking at, its columns guessed; the person's earlier one that was not started goes.

    Raises leads.csv_files.UnreadableFile.
    """
    shape = shape_of(content)
    drafts = LeadImport.objects.for_organization(organization_id).filter(job=None, uploaded_by=actor.name)
    drafts.delete()
    return LeadImport.objects.create(
        organization_id=organization_id,
        environment=environment,
        file_name=file_name[:255],
        content=content,
        uploaded_by=actor.name,
        delimiter=shape.delimiter,
        header=shape.header,
        columns=columns_guess(shape.header),
        total_rows=shape.rows,
    )


@transaction.atomic
def import_map(*, import_id: UUID, columns: Mapping[str, int], keeps_others: bool) -> LeadImport:
    """Say which column holds which field. Raises LeadImport.DoesNotExist (404), Conflict (409)."""
    found = _draft(import_id)
    found.columns, found.keeps_others = dict(columns), keeps_others
    found.save(update_fields=["columns", "keeps_others", "updated_at"])
    return found


@transaction.atomic
def import_start(*, import_id: UUID, actor: Actor) -> LeadImport:
    """Queue the job that takes the leads in. Raises LeadImport.DoesNotExist (404), Conflict (409)."""
    found = _draft(import_id)
    found.job = job_submit(
        organization_id=found.organization_id,
        environment=found.environment,
        client_id=None,
        job_type=LEAD_IMPORT,
        params={"importId": str(found.id)},
    )
    found.save(update_fields=["job", "updated_at"])
    audit_record(
        actor=actor,
        action="lead_import.start",
        target=found,
        organization_id=found.organization_id,
        after={"rows": found.total_rows, "environment": found.environment},
    )
    return found


@transaction.atomic
def import_discard(*, import_id: UUID) -> None:
    """Forget a file that was not started. Raises LeadImport.DoesNotExist (404), Conflict (409)."""
    _draft(import_id).delete()


@transaction.atomic
def import_cancel(*, import_id: UUID, actor: Actor) -> None:
    """Stop an import that waits or runs: what is in stays, the file goes.

    One that is through changes no more. Raises LeadImport.DoesNotExist (404).
    """
    found = LeadImport.objects.defer("content").get(id=import_id)
    if found.job_id and job_cancel(job_id=found.job_id, actor=actor).status == Job.Status.CANCELED:
        import_forget_file(import_id=import_id)


def import_resume(*, import_id: UUID, actor: Actor) -> None:
    """Go on with an import whose job failed, where it stopped. Raises LeadImport.DoesNotExist (404)."""
    found = LeadImport.objects.defer("content").get(id=import_id)
    if found.job_id:
        job_rerun(job_id=found.job_id, actor=actor)


def _draft(import_id: UUID) -> LeadImport:
    found = LeadImport.objects.select_for_update(of=("self",)).defer("content").get(id=import_id)
    if found.job_id:
        raise Conflict("The import has begun already.")
    return found


@transaction.atomic
def lot_import(*, import_id: UUID, rows: Sequence[Row], after: int) -> LeadImport:
    """Take in the rows that follow the first `after`, and remember it in the same transaction.

    What cannot be a lead is kept with its reasons. Raises RowsTaken when the import is elsewhere by now.
    """
    found = LeadImport.objects.select_for_update(of=("self",)).defer("content").get(id=import_id)
    if found.done_rows != after:
        raise RowsTaken
    judged = rows_judge(found, rows)
    made = iter(
        leads_create(
            organization_id=found.organization_id,
            environment=found.environment,
            client_id=None,
            actor=found.uploaded_by,
            items=[terms for terms, reasons in judged if not reasons],
        )
    )
    refused = []
    for row, (_terms, reasons) in zip(rows, judged, strict=True):
        result: Any = None if reasons else next(made)
        if isinstance(result, Lead):
            found.created_count += 1
            found.duplicate_count += result.duplicate_of_id is not None
        else:
            reasons = reasons or _reasons(result)
            refused.append(
                RefusedRow(
                    organization_id=found.organization_id,
                    environment=found.environment,
                    lead_import=found,
                    number=row.number,
                    cells=row.cells,
                    reasons=reasons,
                )
            )
    RefusedRow.objects.bulk_create(refused)
    found.refused_count += len(refused)
    found.done_rows += len(rows)
    found.save(update_fields=["created_count", "duplicate_count", "refused_count", "done_rows", "updated_at"])
    return found


def import_forget_file(*, import_id: UUID) -> None:
    """Drop the file of an import that is through; what was refused stays, row by row."""
    LeadImport.objects.filter(id=import_id).update(content=b"")


def rows_judge(found: LeadImport, rows: Sequence[Row]) -> list[tuple[dict[str, Any], dict[str, list[str]]]]:
    """For each row, what it says of a lead, and why it cannot be one: messages by field, {} where it can."""
    region = Organization.objects.values_list("region", flat=True).get(id=found.organization_id)
    by_field = [fields_of(row, found.columns) for row in rows]
    companies, agents = _companies(found, by_field), _agents(found, by_field)
    judged: list[tuple[dict[str, Any], dict[str, list[str]]]] = []
    for row, fields in zip(rows, by_field, strict=True):
        reasons: dict[str, list[str]] = {}
        given: dict[str, Any] = {name: fields[name] for name in _NAMED_LIKE_THE_COLUMN if name in fields}
        given["tags"] = tags_read(fields.get("tags", ""))
        if len(row.cells) > len(found.header):
            reasons["row"] = ["The row has more cells than the header."]
        if fields.get("value"):
            currency = (fields.get("currency") or (get_territory_currencies(region) or [""])[0]).upper()
            try:
                given |= {"valueMinor": minor_read(fields["value"], currency), "currency": currency}
            except ValueError:
                reasons["value"] = ["This is not an amount."]
        for field, known in (("company", companies), ("agent", agents)):
            if name := fields.get(field):
                given[f"{field}Id"] = known.get(name.lower())
                if given[f"{field}Id"] is None:
                    reasons[field] = [f"There is no such {field}, or more than one."]
        if found.keeps_others:
            given["customFields"] = others_of(row, found.columns, found.header)
        serializer = LeadTerms(data=given)
        if not serializer.is_valid():
            reasons |= {name: [str(one) for one in messages] for name, messages in serializer.errors.items()}
            judged.append(({}, reasons))
            continue
        terms = dict(serializer.validated_data)
        try:
            terms_check(terms, region)
        except DomainError as refusal:
            reasons |= _reasons(refusal)
        judged.append((terms, reasons))
    return judged


def _reasons(refusal: DomainError) -> dict[str, list[str]]:
    fields = {name: messages for name, messages in refusal.details.items() if isinstance(messages, list)}
    return fields or {"row": [refusal.message]}


def _companies(found: LeadImport, rows: Sequence[Mapping[str, str]]) -> dict[str, UUID]:
    """The tenant's companies that rows name, by id and by name where one has it."""
    named = {row["company"].lower() for row in rows if row.get("company")}
    if not named:
        return {}
    companies = Company.objects.for_organization(found.organization_id, found.environment)
    ids = companies.filter(id__in=filter(_is_id, named)).values_list("id", flat=True)
    lower = companies.annotate(lower=Lower("name")).filter(lower__in=named)
    return _once(lower.values_list("lower", "id")) | {str(one): one for one in ids}


def _agents(found: LeadImport, rows: Sequence[Mapping[str, str]]) -> dict[str, UUID]:
    """The tenant's agents that rows name by e-mail, where one has it."""
    named = {row["agent"].lower() for row in rows if row.get("agent")}
    if not named:
        return {}
    agents = Agent.objects.for_organization(found.organization_id, found.environment)
    lower = agents.annotate(lower=Lower("email")).filter(lower__in=named)
    return _once(lower.values_list("lower", "id"))


def _once(pairs: Any) -> dict[str, UUID]:
    known: dict[str, UUID] = {}
    twice = set()
    for name, identity in pairs:
        if name in known:
            twice.add(name)
        known[name] = identity
    return {name: identity for name, identity in known.items() if name not in twice}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
