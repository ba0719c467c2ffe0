"""The wire form of section B: snake_case, no organizationId."""

from rest_framework import serializers

from config.outbound.policy import url_check
from jobs.audio_input import AudioInput, audio_read
from jobs.models import Job


class CompanyIn(serializers.Serializer):
    name = serializers.CharField(max_length=255)
    industry = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    contact_email = serializers.EmailField(max_length=254, required=False, allow_blank=True, default="")


class CompanyRow(serializers.Serializer):
    """A company as the list shows it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    industry = serializers.CharField()
    created_at = serializers.DateTimeField()


class CompanyOut(CompanyRow):
    contact_email = serializers.CharField()


class CompanyQuery(serializers.Serializer):
    limit = serializers.IntegerField(min_value=1, max_value=100, default=50)
    offset = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)
    search = serializers.CharField(required=False, allow_blank=True, max_length=200, default="")


class CompanyList(serializers.Serializer):
    companies = CompanyRow(many=True)
    total = serializers.IntegerField()
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()
    partner_access = serializers.ChoiceField(choices=("single_company", "all_companies"))
    message = serializers.CharField()


class AgentIn(serializers.Serializer):
    email = serializers.EmailField(max_length=254)
    name = serializers.CharField(max_length=255)
    role = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")


class AgentOut(serializers.Serializer):
    id = serializers.UUIDField()
    company_id = serializers.UUIDField()
    email = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    created_at = serializers.DateTimeField()


class CallIn(serializers.Serializer):
    """A recording as base64 (also as a data URL) or as an https URL, and whose call it is."""

    audio_file = serializers.CharField(trim_whitespace=True)
    company_id = serializers.UUIDField()
    agent_id = serializers.UUIDField(required=False, allow_null=True, default=None)
    call_type = serializers.RegexField(r"^[A-Za-z0-9_\- ]{1,60}$", default="general")
    webhook_url = serializers.CharField(max_length=2048, required=False, allow_blank=True, default="")

    def validate_audio_file(self, value: str) -> AudioInput:
        try:
            return audio_read(value)
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from error

    def validate_webhook_url(self, value: str) -> str:
        return checked_url(value) if value else ""


class CallAccepted(serializers.Serializer):
    job_id = serializers.UUIDField()
    status = serializers.CharField()
    estimated_time = serializers.CharField()
    message = serializers.CharField()


class JobOut(serializers.Serializer):
    """A job as its partner follows it."""

    job_id = serializers.UUIDField(source="id")
    job_type = serializers.CharField()
    status = serializers.ChoiceField(choices=Job.Status.choices)
    progress = serializers.IntegerField()
    call_id = serializers.UUIDField(allow_null=True)
    results = serializers.JSONField(allow_null=True)
    error = serializers.JSONField(allow_null=True)
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    completed_at = serializers.DateTimeField(allow_null=True)


class CallAnalyzedOut(serializers.Serializer):
    """An analysed call as its event tells it."""

    job_id = serializers.UUIDField(source="id")
    call_id = serializers.UUIDField()
    results = serializers.JSONField()


class HealthOut(serializers.Serializer):
    status = serializers.CharField()
    version = serializers.CharField()
    environment = serializers.CharField()
    timestamp = serializers.DateTimeField()


def checked_url(value: str) -> str:
    """The URL, if the outbound policy would dial it. Raises serializers.ValidationError (400)."""
    try:
        url_check(value)
    except ValueError as error:
        raise serializers.ValidationError(str(error)) from error
    return value
