"""The job type `call_analysis`: what a worker does with a recorded call."""

from typing import Any

from django.conf import settings

from config import tenancy
from jobs.analysis.content import call_type_of
from jobs.analysis.errors import AnalysisCanceled, AnalysisError, EngineTrouble
from jobs.analysis.phrases import CHECKLIST, CallType
from jobs.analysis.pipeline import AnalysisResult, analyse, judge_again
from jobs.analysis.settings import AnalysisSettings
from jobs.events import CALL_ANALYZED
from jobs.models import Call, Checklist, Job
from jobs.registry import JobCanceled, JobFailure, JobTrouble, Reporter, job_type
from jobs.services.calls import CALL_ANALYSIS
from jobs.services.checklists import CALL_REANALYSIS
from jobs.services.recordings import recording_of
from webhooks.services import event_emit


def analysis_settings() -> AnalysisSettings:
    """The pipeline's settings from Django's."""
    return AnalysisSettings(
        cache_dir=settings.STATE_DIR / "models",
        model_dir=settings.ANALYSIS_MODEL_DIR,
        threads=settings.ANALYSIS_THREADS,
        endpoint_url=settings.ANALYSIS_ENDPOINT_URL,
        endpoint_key=settings.ANALYSIS_ENDPOINT_KEY,
        endpoint_model=settings.ANALYSIS_ENDPOINT_MODEL,
    )


def announce(job: Job) -> None:
    """Emit `call.analyzed` with the job's success, in its transaction."""
    if job.error is None:
        event_emit(
            CALL_ANALYZED,
            subject=job,
            organization_id=job.organization_id,
            environment=job.environment,
            client_id=job.client_id,
        )


@job_type(
    CALL_ANALYSIS,
    queue="analysis",
    settled=announce,
    concurrency_per_organization=settings.ANALYSIS_PER_ORGANIZATION,
)
def analyze_call(job: Job, reporter: Reporter) -> dict[str, Any]:
    """Fetch the recording if it is elsewhere, then run the stages. Reads only, so safe to repeat."""
    with tenancy.tenant(job.organization_id, job.environment):
        calls = Call.objects.for_organization(job.organization_id, job.environment)
        call = calls.select_related("organization").get(jobs=job)
        kind, judged_by = _call_type(call)
    reporter.progress("fetch", 1)
    audio = recording_of(call)
    try:
        result = analyse(
            audio,
            call_type=kind,
            settings=analysis_settings(),
            progress=reporter.progress,
            cancelled=reporter.canceled,
            unmasked=call.organization.transcripts_unmasked,
        )
    except AnalysisCanceled as canceled:
        raise JobCanceled from canceled
    except EngineTrouble as error:
        raise JobTrouble(error.code, error.message) from error
    except AnalysisError as error:
        raise JobFailure(error.code, error.message) from error
    return _results(result, judged_by)


@job_type(CALL_REANALYSIS, queue="analysis", settled=announce)
def judge_call_again(job: Job, reporter: Reporter) -> dict[str, Any]:
    """Judge an analysed call by its type's present checklist. Reads only, so safe to repeat."""
    with tenancy.tenant(job.organization_id, job.environment):
        jobs = Job.objects.for_organization(job.organization_id, job.environment)
        source = jobs.select_related("call").get(id=job.params["source_job_id"])
        kind, judged_by = _call_type(source.call)  # type: ignore[arg-type]
    reporter.progress("content", 10)
    try:
        result = judge_again(source.results or {}, call_type=kind)
    except AnalysisError as error:
        raise JobFailure(error.code, error.message) from error
    except (KeyError, TypeError) as error:
        message = "The earlier analysis cannot be gone on from; analyse the recording again."
        raise JobFailure("results_outdated", message) from error
    return _results(result, judged_by)


def _call_type(call: Call) -> tuple[CallType, dict[str, Any]]:
    """The call's type by its organization's own checklist, else by ours; and what results say of it."""
    own = Checklist.objects.for_organization(call.organization_id, call.environment).filter(
        call_type__iexact=call.call_type.strip()
    )
    checklist = own.first()
    if checklist is None:
        return call_type_of(call.call_type), {"call_type": call.call_type, "checklist_version": None}
    known = call_type_of(call.call_type)
    kind = CallType(
        checklist=tuple(one["item"] for one in checklist.items),
        weights=known.weights | checklist.weights,
        examples={
            one["item"]: (one["item"], *one["examples"])
            for one in checklist.items
            if one["examples"] or one["item"] not in CHECKLIST
        },
    )
    return kind, {"call_type": checklist.call_type, "checklist_version": checklist.version}


def _results(result: AnalysisResult, judged_by: dict[str, Any]) -> dict[str, Any]:
    results = result.to_results()
    results["content_analysis"]["judged_by"] = judged_by
    return results
