"""Run in a process of the peer's (benchmarks/remote.py): its webhook, and the leads that are announced."""

import uuid

import django

django.setup()

from django.core.management import call_command  # noqa: E402 (needs the app registry)
from django_webhook.models import (  # noqa: E402
    Webhook,
    WebhookEvent,
    WebhookSecret,
    WebhookTopic,
    populate_topics_from_settings,
)

from p3.models import Lead  # noqa: E402


def prepare(url: str, secret: str) -> None:
    """The tables, and the one webhook. Safe to repeat."""
    call_command("migrate", run_syncdb=True, interactive=False, verbosity=0)
    populate_topics_from_settings()
    webhook, new = Webhook.objects.get_or_create(url=url)
    if new:
        webhook.topics.set([WebhookTopic.objects.get(name="p3.Lead/create")])
        WebhookSecret.objects.create(webhook=webhook, token=secret)


def leads_create(count: int) -> list[str]:
    """Save so many leads, each of which is announced; answers their ids."""
    return [
        str(
            Lead.objects.create(
                organization_id=uuid.uuid4(),
                name="Ada Lovelace",
                email="ada@example.com",
                phone="+972501234567",
                source="website",
                notes="Asked for a call back about the annual plan, after five.",
                status="new",
            ).id
        )
        for _ in range(count)
    ]


def unsettled() -> int:
    """How many deliveries have no result yet."""
    return WebhookEvent.objects.exclude(status="SUCCESS").count()
