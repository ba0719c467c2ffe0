"""What was admitted in the last minute outlives the store and the processes that asked it."""

import multiprocessing
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from credentials import admission_journal
from credentials.admission_journal import Journal


@pytest.fixture(autouse=True)
def database():
    """None is needed."""


def admit(journal, subject, remaining=0):
    return journal.settle(journal.ask(subject), admitted=True, remaining=remaining)


def test_every_process_reads_what_all_have_admitted_of_a_subject(tmp_path):
    first, second = Journal(tmp_path), Journal(tmp_path)
    ids = {admit(first, "a"), admit(second, "a"), admit(first, "a")}
    admit(second, "b")
    for journal in (first, second, Journal(tmp_path)):
        assert {admission.id for admission in journal.admissions("a")} == ids


def test_a_request_being_asked_about_counts_until_it_is_answered(tmp_path):
    journal = Journal(tmp_path)
    refused, admitted = journal.ask("a"), journal.ask("a")
    assert len(journal.admissions("a")) == 2
    journal.settle(refused, admitted=False)
    settled = journal.settle(admitted, admitted=True)
    assert [admission.id for admission in journal.admissions("a")] == [settled]


def test_a_minute_later_only_the_last_admission_is_known(tmp_path):
    journal = Journal(tmp_path)
    admit(journal, "a", remaining=7)
    admit(journal, "a", remaining=6)
    assert journal.is_fresh()
    with time_machine.travel(timezone.now() + timedelta(seconds=90)):
        (last,) = journal.admissions("a")
        assert (last.remaining, last.age_us // 1_000_000) == (6, 90)
        assert not journal.is_fresh()


def small_ring(monkeypatch):
    slots = 64
    monkeypatch.setattr(admission_journal, "_RING_SLOTS", slots)
    size = admission_journal._RING_OFFSET + slots * admission_journal._RECORD.size
    monkeypatch.setattr(admission_journal, "_FILE_BYTES", size)


def test_a_full_ring_forgets_the_oldest(tmp_path, monkeypatch):
    small_ring(monkeypatch)
    journal = Journal(tmp_path)
    for number in range(100):
        admit(journal, "a", remaining=number)
    kept = journal.admissions("a")
    assert [admission.remaining for admission in kept] == list(range(99, 35, -1))


def test_dead_processes_files_are_removed_once_they_say_nothing_any_more(tmp_path):
    dead = Journal(tmp_path)
    admit(dead, "a")
    dead._map.close()
    admission_journal.os.close(dead._descriptor)
    living = Journal(tmp_path)
    admit(living, "b")
    assert len(list(tmp_path.glob("*.ring"))) == 2
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        admit(Journal(tmp_path), "b")
    assert len(list(tmp_path.glob("*.ring"))) == 2, "the dead one's is gone, the living one's stays"


def test_more_requests_than_slots_are_asked_about_all_the_same(tmp_path):
    journal = Journal(tmp_path)
    entries = [journal.ask("a") for _ in range(300)]
    for entry in entries:
        journal.settle(entry, admitted=True)
    assert len(journal.admissions("a")) == 300


def test_what_is_read_beside_its_writing_is_whole_or_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(admission_journal, "_OPEN_SLOTS", 1)  # one place that two subjects take in turn
    small_ring(monkeypatch)

    def write():
        journal = Journal(tmp_path)
        while True:
            for subject in ("odd", "even"):
                journal.settle(journal.ask(subject), admitted=False)

    writer = multiprocessing.get_context("fork").Process(target=write, daemon=True)
    writer.start()
    try:
        reader, found = Journal(tmp_path), []
        for _ in range(10_000):
            found += reader.admissions("odd")
    finally:
        writer.kill()
    assert {admission.id % 2 for admission in found} <= {1}
