"""Section B: calls sent in for analysis, and the jobs that analyse them."""

from uuid import UUID

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.status import HTTP_202_ACCEPTED

from config.api.exceptions import NotFound
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest, PartnerViewSet
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
    scopes = {"status": Scope.JOBS_READ}

    @extend_schema(responses=JobOut)
    def status(self, request: PartnerRequest, job_id: UUID) -> Response:
        job = self.get_queryset().of_company(request.auth.company_id).filter(id=job_id).first()
        if job is None:
            raise NotFound
        return Response(JobOut(job).data)
