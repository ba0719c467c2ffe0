"""Two schedulers beside each other tick once; when one is killed the other goes on."""

import json
import time

import pytest
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config.celery import app
from config.scheduler import OneOfManyScheduler
from credentials.store import store
from tests.processes import scheduler, wait_until

TASK = "jobs.sweep"


@pytest.fixture
def every_second():
    """The schedule of one task, each second, and nothing else."""
    interval, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
    PeriodicTask.objects.exclude(name=TASK).delete()
    PeriodicTask.objects.update_or_create(name=TASK, defaults={"task": TASK, "interval": interval})
    yield
    PeriodicTask.objects.all().delete()


def ticks():
    """How often the task was sent; no worker takes it."""
    messages = store.lrange("default", 0, -1)
    return sum(json.loads(message)["headers"]["task"] == TASK for message in messages)


def test_two_schedulers_tick_once_and_one_takes_over(every_second):
    first = scheduler()
    wait_until(lambda: ticks() >= 2, seconds=30)
    second = scheduler()
    try:
        time.sleep(6)  # until the second has started and tried
        before = ticks()
        time.sleep(5)
        assert 3 <= ticks() - before <= 7
        first.kill()
        killed_at = ticks()
        wait_until(lambda: ticks() >= killed_at + 2, seconds=30)
    finally:
        first.stop()
        second.stop()


def test_what_people_change_stays(every_second):
    PeriodicTask.objects.filter(name=TASK).update(enabled=False)
    OneOfManyScheduler(app=app).setup_schedule()
    kept = PeriodicTask.objects.get(name=TASK)
    assert (kept.enabled, kept.interval.every) == (False, 1)
    names = set(PeriodicTask.objects.values_list("name", flat=True))
    assert names >= set(app.conf.beat_schedule), "what the database did not know is added"
