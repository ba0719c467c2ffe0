"""Section B: calls sent in for analysis, and the jobs that analyse them."""

from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiTypes, extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_200_OK, HTTP_202_ACCEPTED

from config.api.exceptions import Conflict, NotFound
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest, PartnerViewSet
from jobs.documents.answers import document
from jobs.models import Call, Job
from jobs.serializers import CallAccepted, CallIn, JobOut
from jobs.services.calls import call_submit, estimated_time


class CallViewSet(PartnerViewSet):
    """Recorded calls."""

    queryset = Call.objects.all()
    serializer_class = CallAccepted
    scopes = {"analyze": Scope.CALLS_WRITE}
    max_body_bytes = settings.API_MAX_AUDIO_BODY_BYTES

    @extend_schema(request=CallIn, responses={HTTP_202_ACCEPTED: CallAccepted})
    def analyze(self, request: PartnerRequest) -> Response:
        data = self.validated(CallIn)
        job = call_submit(
            organization_id=self.organization_id,
            environment=self.environment,
            client_id=request.auth.client_id,
            bound_company_id=request.auth.company_id,
            audio=data.pop("audio_file"),
            **data,
        )
        return Response(
            {
                "job_id": job.id,
                "status": job.status,
                "estimated_time": estimated_time(),
                "message": "Analysis job created successfully",
            },
            status=HTTP_202_ACCEPTED,
        )


class JobViewSet(PartnerViewSet):
    """Background jobs of the calling key's tenant."""

    queryset = Job.objects.all()
    serializer_class = JobOut
    scopes = dict.fromkeys(("status", "subtitles_srt", "subtitles_vtt", "report"), Scope.JOBS_READ)
    documents = {
        "subtitles_srt": "application/x-subrip",
        "subtitles_vtt": "text/vtt",
        "report": "text/html",
    }

    @extend_schema(responses=JobOut)
    def status(self, request: PartnerRequest, job_id: UUID) -> Response:
        return Response(JobOut(self._job(job_id)).data)

    @extend_schema(responses={(HTTP_200_OK, "application/x-subrip"): OpenApiTypes.STR})
    def subtitles_srt(self, request: PartnerRequest, job_id: UUID) -> HttpResponse:
        return document(self._analysed(job_id), "srt")

    @extend_schema(responses={(HTTP_200_OK, "text/vtt"): OpenApiTypes.STR})
    def subtitles_vtt(self, request: PartnerRequest, job_id: UUID) -> HttpResponse:
        return document(self._analysed(job_id), "vtt")

    @extend_schema(responses={(HTTP_200_OK, "text/html"): OpenApiTypes.STR})
    def report(self, request: PartnerRequest, job_id: UUID) -> HttpResponse:
        return document(self._analysed(job_id), "html")

    def _job(self, job_id: UUID) -> Job:
        rows = self.get_queryset().of_company(self.credential.company_id)
        job = rows.select_related("call__company", "call__agent").filter(id=job_id).first()
        if job is None:
            raise NotFound
        return job

    def _analysed(self, job_id: UUID) -> Job:
        """A call's analysis that is completed. Raises NotFound (404), Conflict (409) while it is not."""
        job = self._job(job_id)
        if job.call is None:
            raise NotFound
        if job.status != Job.Status.COMPLETED:
            raise Conflict("The analysis is not completed.", status=str(job.status))
        return job
