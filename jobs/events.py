"""What jobs announce."""

from credentials.scopes import Scope
from jobs.serializers import CallAnalyzedOut, JobOut
from webhooks.registry import event_type

JOB_COMPLETED = event_type(
    "job.completed",
    summary="A background job ended well.",
    scope=Scope.JOBS_READ,
    payload=JobOut,
)
JOB_FAILED = event_type(
    "job.failed",
    summary="A background job failed for good.",
    scope=Scope.JOBS_READ,
    payload=JobOut,
)
CALL_ANALYZED = event_type(
    "call.analyzed",
    summary="A recorded call was analysed.",
    scope=Scope.JOBS_READ,
    payload=CallAnalyzedOut,
)
