"""The job type `export`: what a worker does with a file that was asked for."""

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from config import tenancy
from config.api.renderers import dumps
from jobs.models import Job
from jobs.registry import JobFailure, Reporter, job_type
from leads.csv_files import csv_lines
from pipeline.export_files import export_delete, export_save
from pipeline.models import Export
from pipeline.selectors import WIRES, export_lots, export_rows
from pipeline.services.exports import EXPORT, export_complete


class ExportParams(serializers.Serializer):
    exportId = serializers.UUIDField()


class _Rows:
    """An export's rows in the wire's form; tells how far it is, and how many there were."""

    def __init__(self, export: Export, total: int, reporter: Reporter) -> None:
        self.count = 0
        self._export, self._total, self._reporter = export, total, reporter

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for lot in export_lots(self._export):
            yield from lot
            self.count += len(lot)
            self._reporter.progress("write", min(99, self.count * 100 // max(self._total, 1)))


@job_type(EXPORT, params=ExportParams, concurrency_per_organization=1)
def write_export(job: Job, reporter: Reporter) -> dict[str, Any]:
    """Write the file lot by lot, from the start: an attempt before this one left none."""
    with tenancy.tenant(job.organization_id, job.environment):
        export = Export.objects.filter(id=job.params["exportId"]).first()
        total = export_rows(export).count() if export else 0
    if export is None:
        raise JobFailure("export_gone", "The export does not exist any more.")
    rows = _Rows(export, total, reporter)
    lines = csv_lines(_cells(export, rows)) if export.format == Export.Format.CSV else _json_lines(rows)
    stored = export_save(export.id, lines)
    with tenancy.tenant(job.organization_id, job.environment):
        kept = export_complete(export_id=export.id, stored=stored, rows=rows.count)
    if kept is None:
        export_delete(stored.name)
    return {"rows": rows.count, "sizeBytes": stored.size_bytes}


def _cells(export: Export, rows: _Rows) -> Iterator[list[Any]]:
    """A table:

    nested values are JSON, lists of texts are joined. Formulas are neutralised by who writes it.
    """
    names = list(WIRES[export.kind]().fields)
    yield names
    for row in rows:
        yield [_cell(row[name]) for name in names]


def _cell(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return ", ".join(value)
    return dumps(value).decode() if isinstance(value, dict | list) else value


def _json_lines(rows: _Rows) -> Iterator[bytes]:
    for row in rows:
        yield dumps(row) + b"\n"
