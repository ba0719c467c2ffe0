"""The job type `lead_import`: what a worker does with a file of leads."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rest_framework import serializers

from config import tenancy
from jobs.models import Job
from jobs.registry import JobCanceled, JobFailure, Reporter, job_type
from leads.csv_files import Row, rows_read
from leads.models import LeadImport
from leads.services.imports import LEAD_IMPORT, RowsTaken, import_forget_file, lot_import

# Rows of one transaction.
LOT = 500


class LeadImportParams(serializers.Serializer):
    importId = serializers.UUIDField()


def forget_file(job: Job) -> None:
    """Drop the file with the job's success; one that failed may be run again."""
    if job.error is None:
        import_forget_file(import_id=job.params["importId"])


@job_type(LEAD_IMPORT, params=LeadImportParams, settled=forget_file, concurrency_per_organization=1)
def import_leads(job: Job, reporter: Reporter) -> dict[str, Any]:
    """Take in the rows that are not done yet, lot by lot."""
    with tenancy.tenant(job.organization_id, job.environment):
        found = LeadImport.objects.filter(id=job.params["importId"]).first()
    if found is None:
        raise JobFailure("import_gone", "The import does not exist any more.")
    rows = rows_read(bytes(found.content), delimiter=found.delimiter, width=len(found.header))
    for lot in _lots(islice(rows, found.done_rows, None)):
        try:
            with tenancy.tenant(job.organization_id, job.environment):
                found = lot_import(import_id=found.id, rows=lot, after=found.done_rows)
        except RowsTaken as taken:
            raise JobCanceled from taken
        reporter.progress("import", found.done_rows * 100 // found.total_rows)
    return {
        "rows": found.total_rows,
        "created": found.created_count,
        "duplicates": found.duplicate_count,
        "refused": found.refused_count,
    }


def _lots(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while lot := list(islice(rows, LOT)):
        yield lot
