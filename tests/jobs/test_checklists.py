"""An organization says in its own words what it wants heard; calls are judged by it, again if need be."""

import pytest
from django.urls import reverse
from django.utils import timezone

from config import tenancy
from jobs.analysis.content import Content
from jobs.analysis.engines.base import Word
from jobs.analysis.phrases import GENERAL
from jobs.analysis.pipeline import AnalysisResult
from jobs.analysis.score import Score
from jobs.analysis.tone import Tone, VoiceTone
from jobs.analysis.transcript import Segment, Transcript
from jobs.models import Call, Checklist, Job
from jobs.services.queueing import job_submit
from jobs.services.settling import job_settle
from tests.engine import job_claim, job_work
from tests.factories import make_company, make_organization
from tests.pages.test_content_policy import check
from tests.people import browser, make_member

LIST, NEW = reverse("dashboard-checklists"), reverse("dashboard-checklist-new")
WEIGHTS = {"protocol": 100, "customer_sentiment": 0, "agent_tone": 0, "dynamics": 0, "outcome": 0}
OWN = "greeting\nWarranty: would you like to add the extended warranty | תרצה להוסיף אחריות מורחבת"
TURNS = (
    ("agent", "Good morning, thank you for calling Northgate."),
    ("customer", "I was charged twice this month."),
    ("agent", "Shall I add a longer warranty to your order?"),
)


@pytest.fixture
def manager(organization):
    return browser(make_member("manager", organization))


@pytest.fixture
def analysed(organization):
    """A call of the type "returns", analysed before anybody had a checklist for it; without its recording."""
    with tenancy.operator():
        call = Call.objects.create(
            organization=organization,
            environment="sandbox",
            company=make_company(organization),
            call_type="Returns",
        )
        job_submit(
            organization_id=organization.id,
            environment="sandbox",
            client_id=None,
            job_type="call_analysis",
            call=call,
        )
    from_jobs = job_claim(queue="analysis", now=timezone.now())
    assert job_settle(job=from_jobs, results=results())
    return call


def results():
    segments, at = [], 0.0
    for role, text in TURNS:
        words = [Word(word, at + 0.4 * n, at + 0.4 * n + 0.3, 0.95) for n, word in enumerate(text.split())]
        segments.append(Segment(role, role, at, words[-1].end, text, 0.95, words))
        at = words[-1].end + 0.5
    voice = VoiceTone(20, 150, 120, 2.5, -20, 20)
    interrupted = {"agent": [], "customer": []}
    tone = Tone(60, "stereo", {"agent": voice, "customer": voice}, 0.5, 0.0, interrupted, [(2.0, 6.0)], [])
    content = Content([], [], {}, [], dict.fromkeys(GENERAL.checklist), {}, [])
    transcript = Transcript("en", 0.99, 0.95, ["short"], segments)
    return AnalysisResult(transcript, tone, content, Score(3.0, {}, []), 0.9).to_results()


def make(person, **given):
    return person.post(
        NEW, {"environment": "sandbox", "call_type": "returns", "items": OWN} | WEIGHTS | given
    )


def judge(person, call):
    return person.post(reverse("dashboard-call-change", args=[call.id]), {"change": "judge"})


def page(person, call):
    return person.get(reverse("dashboard-call", args=[call.id])).content.decode()


def jobs_of(call):
    with tenancy.operator():
        return list(Job.objects.filter(call=call).order_by("created_at", "id"))


def test_a_call_is_judged_again_by_the_organizations_own_words(manager, analysed):
    made = make(manager)
    assert made.status_code == 302, made.content.decode()
    assert judge(manager, analysed).status_code == 302
    assert job_work(queue="analysis")
    first, again = jobs_of(analysed)
    assert (again.status, again.error) == ("completed", None)
    found = again.results["content_analysis"]
    assert found["checklist"]["Warranty"]["text"] == "Shall I add a longer warranty to your order?"
    assert set(found["checklist"]) == {"greeting", "Warranty"}
    assert found["judged_by"] == {"call_type": "returns", "checklist_version": 1}
    assert again.results["overall_score"] == 10.0
    for same in ("transcript", "tone_analysis"):
        assert again.results[same] == first.results[same]
    assert first.results["overall_score"] == 3.0
    html = page(manager, analysed)
    check(html)
    assert "Your checklist “Returns”, version 1" in html


def test_a_change_is_the_next_version_and_what_is_removed_is_not_used(manager, analysed):
    address = make(manager)["Location"]
    for items in ("empathy", "empathy"):
        assert manager.post(address, {"items": items} | WEIGHTS).status_code == 302
    judge(manager, analysed)
    assert job_work(queue="analysis")
    found = jobs_of(analysed)[-1].results
    assert (found["content_analysis"]["checklist"], found["overall_score"]) == ({"empathy": None}, 0.0)
    assert found["content_analysis"]["judged_by"]["checklist_version"] == 2
    assert manager.post(address + "/remove").status_code == 302
    judge(manager, analysed)
    assert job_work(queue="analysis")
    found = jobs_of(analysed)[-1].results["content_analysis"]
    assert set(found["checklist"]) == set(GENERAL.checklist)
    assert found["judged_by"]["checklist_version"] is None


def test_one_that_only_weighs_what_a_mono_call_cannot_show_gives_no_score(manager, analysed):
    with tenancy.operator():
        job = analysed.jobs.get()
        job.results["tone_analysis"] |= {"overlap_s": None, "interruptions": None, "method": "diarization"}
        job.save()
    make(manager, **(WEIGHTS | {"protocol": 0, "dynamics": 100}))
    judge(manager, analysed)
    assert job_work(queue="analysis")
    again = jobs_of(analysed)[-1]
    assert again.results["overall_score"] is None
    assert "nothing_that_counts_was_heard" in again.results["content_analysis"]["score"]["low_confidence"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"items": " \n "}, "This field is required."),
        ({"items": "greeting\nGreeting: hello"}, "is there twice"),
        ({"items": ": hello"}, "Give the item a name"),
        ({"items": "x" * 81}, "is too long"),
        ({"items": "\n".join(map(str, range(31)))}, "At most 30 items."),
        ({"protocol": 0}, "Something must weigh more than nothing."),
        ({"protocol": 101}, "less than or equal to 100"),
        ({"call_type": "<b>"}, "Enter a valid value."),
    ],
)
def test_what_cannot_be_used_is_refused(manager, given, said):
    answer = make(manager, **given)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    with tenancy.operator():
        assert not Checklist.objects.exists()


def test_a_call_type_has_one_checklist(manager):
    assert make(manager).status_code == 302
    again = make(manager, call_type="RETURNS")
    assert (again.status_code, "There is a checklist" in again.content.decode()) == (422, True)
    assert make(manager, environment="production").status_code == 302
    html = manager.get(LIST).content.decode()
    check(html)
    assert "Warranty" in html


def test_only_the_organizations_own_people_reach_it(manager, organization, analysed):
    address = make(manager)["Location"]
    stranger = browser(make_member("manager", make_organization()))
    for method in (stranger.get, stranger.post):
        assert method(address).status_code == 404
    assert stranger.post(address + "/remove").status_code == 404
    assert judge(stranger, analysed).status_code == 404
    assert "Warranty" not in stranger.get(LIST).content.decode()
    reader = browser(make_member("member", organization))
    assert "Warranty" in reader.get(LIST).content.decode()
    assert reader.post(address, {"items": "closing"} | WEIGHTS).status_code == 403
    assert judge(reader, analysed).status_code == 403
    with tenancy.operator():
        assert Checklist.objects.get().version == 1
    assert len(jobs_of(analysed)) == 1
