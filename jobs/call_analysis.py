"""The job type `call_analysis`: what a worker does with a recorded call."""

from typing import Any

from django.conf import settings

from config import tenancy
from jobs.analysis.errors import AnalysisCanceled, AnalysisError, EngineTrouble
from jobs.analysis.pipeline import analyse
from jobs.analysis.settings import AnalysisSettings
from jobs.events import CALL_ANALYZED
from jobs.models import Call, Job
from jobs.registry import JobCanceled, JobFailure, JobTrouble, Reporter, job_type
from jobs.services.calls import CALL_ANALYSIS
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
        call = Call.objects.for_organization(job.organization_id, job.environment).get(jobs=job)
    reporter.progress("fetch", 1)
    audio = recording_of(call)
    try:
        result = analyse(
            audio,
            call_type=call.call_type,
            settings=analysis_settings(),
            progress=reporter.progress,
            cancelled=reporter.canceled,
        )
    except AnalysisCanceled as canceled:
        raise JobCanceled from canceled
    except EngineTrouble as error:
        raise JobTrouble(error.code, error.message) from error
    except AnalysisError as error:
        raise JobFailure(error.code, error.message) from error
    return result.to_results()
