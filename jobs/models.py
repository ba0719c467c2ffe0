"""Background jobs, and the recorded calls that are analysed."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone

from jobs.querysets import CallQuerySet, JobQuerySet
from partners.models import Agent, ApiClient, Company, TenantModel
from partners.querysets import TenantQuerySet


class Call(TenantModel):
    """A recorded call sent in for analysis. The recording lies sealed in the storage "recordings"."""

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    company = models.ForeignKey(Company, models.CASCADE, related_name="calls", db_constraint=False)
    agent = models.ForeignKey(Agent, models.SET_NULL, null=True, related_name="calls", db_constraint=False)
    call_type = models.CharField(max_length=60)
    # Exactly one way the audio came in; the name is set once the recording is stored. What is erased loses
    # both, since an address may lead to the audio.
    source_url = models.URLField(max_length=2048, blank=True)
    recording_name = models.CharField(max_length=200, blank=True)
    recording_bytes = models.PositiveBigIntegerField(null=True)
    recording_erased_at = models.DateTimeField(null=True)

    objects = CallQuerySet.as_manager()

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="call_recording_erased",
                condition=Q(recording_erased_at=None) | Q(recording_name="", source_url=""),
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="call_newest"),
            models.Index(
                fields=("organization", "created_at"), name="call_recorded", condition=~Q(recording_name="")
            ),
        )

    def __str__(self) -> str:
        return f"{self.call_type} call {self.id}"


class Checklist(TenantModel):
    """What an organization wants heard in its calls of a type, in its own words, and what weighs how much.

    `items` are `{"item", "examples"}` in order; an item without examples is one of ours by its name. Results
    name the `version` they were judged by.
    """

    call_type = models.CharField(max_length=60)
    version = models.PositiveIntegerField(default=1)
    items = models.JSONField(default=list)
    weights = models.JSONField(default=dict)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                "organization", "environment", Lower("call_type"), name="checklist_of_a_call_type"
            ),
        )

    def __str__(self) -> str:
        return self.call_type


class Job(TenantModel):
    """A piece of background work. This row is the job: Celery messages only wake a worker to look for it.

    While it is processed, `lease_until` moves on with the worker's heartbeats; a lease that ran out
    means a dead worker, and the job is taken up again, at most `max_attempts` times in all.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        PROCESSING = "processing", "Processing"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        CANCELED = "canceled", "Canceled"

    client = models.ForeignKey(ApiClient, models.SET_NULL, null=True, related_name="+", db_constraint=False)
    call = models.ForeignKey(Call, models.CASCADE, null=True, related_name="jobs", db_constraint=False)
    job_type = models.CharField(max_length=60)
    queue = models.CharField(max_length=30, default="default")
    params = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    stage = models.CharField(max_length=40, blank=True)
    progress = models.PositiveSmallIntegerField(default=0)
    results = models.JSONField(null=True)
    error = models.JSONField(null=True)
    webhook_url = models.URLField(max_length=2048, blank=True)
    due_at = models.DateTimeField(default=timezone.now)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=3)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    # When its type promises the end, and when that was seen to be missed; set once.
    sla_due_at = models.DateTimeField(null=True)
    sla_breached_at = models.DateTimeField(null=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        db_table = "async_jobs"
        constraints = (
            models.CheckConstraint(name="job_progress", condition=Q(progress__lte=100)),
            models.CheckConstraint(
                name="job_settled",
                condition=Q(completed_at__isnull=True) | Q(status__in=("completed", "failed", "canceled")),
            ),
        )
        indexes = (
            models.Index(fields=("organization", "environment", "-created_at", "-id"), name="job_newest"),
            models.Index(
                fields=("queue", "organization", "due_at"),
                name="job_lane",
                condition=Q(status__in=("queued", "processing")),
            ),
            models.Index(
                fields=("organization", "job_type"), name="job_running", condition=Q(status="processing")
            ),
            models.Index(
                fields=("-completed_at", "-id"), name="job_dead_letter", condition=Q(status="failed")
            ),
            models.Index(
                fields=("sla_due_at",),
                name="job_sla",
                condition=Q(status__in=("queued", "processing"), sla_breached_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.job_type} {self.id}"


class JobAttempt(TenantModel):
    """One time a worker took a job, written with the claim and closed with what came of it.

    `error_message` is for operators: it may name an exception. Where the job ran in the worker itself, the
    measures are the whole worker's during the attempt.
    """

    class Outcome(models.TextChoices):
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        ERROR = "error", "Error"
        TIMEOUT = "timeout", "Timed out"
        MEMORY_EXCEEDED = "memory_exceeded", "Memory exceeded"
        CRASHED = "crashed", "Crashed"
        WORKER_LOST = "worker_lost", "Worker lost"
        CANCELED = "canceled", "Canceled"

    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts", db_constraint=False)
    number = models.PositiveSmallIntegerField()
    worker = models.CharField(max_length=120)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, choices=Outcome, default=Outcome.RUNNING)
    error_code = models.CharField(max_length=60, blank=True)
    error_message = models.CharField(max_length=500, blank=True)
    peak_memory_bytes = models.PositiveBigIntegerField(null=True)
    cpu_s = models.FloatField(null=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(name="job_attempt_number", fields=("job", "number")),
            models.CheckConstraint(
                name="job_attempt_ended",
                condition=Q(outcome="running", ended_at__isnull=True)
                | (~Q(outcome="running") & Q(ended_at__isnull=False)),
            ),
        )

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.job_id}"
