"""What the templates' filters show."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django import forms

from config.templatetags import hub

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)


@pytest.fixture
def noon(time_machine):
    time_machine.move_to(NOW, tick=False)


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=-44), "just now"),
        (timedelta(seconds=44), "in a moment"),
        (timedelta(seconds=-90), "2 min ago"),
        (timedelta(minutes=-59, seconds=-40), "1 h ago"),
        (timedelta(hours=5), "in 5 h"),
        (timedelta(hours=-23, minutes=-45), "1 day ago"),
        (timedelta(days=-29), "29 days ago"),
        (timedelta(days=365), "2027-03-10"),
    ],
)
def test_times_read_as_distances_and_hover_as_utc(noon, away, words):
    html = hub.relative_time(NOW + away)
    assert f">{words}</time>" in html
    assert (NOW + away).strftime('title="%Y-%m-%d %H:%M:%S UTC"') in html


def test_a_time_of_another_zone_is_shown_in_utc(noon):
    jerusalem = datetime.fromisoformat("2026-03-10T13:30:00+02:00")
    assert "2026-03-10 11:30:00 UTC" in hub.relative_time(jerusalem)
    assert "2026-03-10 11:30:00 UTC" in hub.utc_time(jerusalem)


def test_no_time_is_a_dash():
    assert "—" in hub.relative_time(None)
    assert "—" in hub.utc_time(None)


def test_states_of_any_case_are_coloured_and_foreign_ones_escaped():
    assert hub.state_badge("active") == hub.state_badge("ACTIVE")
    assert "pill-good" in hub.state_badge("DELIVERED")
    assert "&lt;b&gt;" in hub.state_badge("<b>")


@pytest.mark.parametrize(("status", "colour"), [(204, "good"), (302, "info"), (404, "warn"), (503, "bad")])
def test_answers_are_coloured_by_class(status, colour):
    assert f"pill-{colour}" in hub.http_badge(status)


def test_an_answer_that_never_came_is_a_dash():
    assert "—" in hub.http_badge(None)


def test_sandbox_and_production_differ():
    assert "pill-warn" in hub.environment_badge("sandbox")
    assert "pill-good" in hub.environment_badge("production")
    assert hub.environment_badge("") == ""


@pytest.mark.parametrize(
    ("value", "text"), [(None, "—"), (8.44, "8.4 ms"), (120.4, "120 ms"), (2104, "2.10 s")]
)
def test_durations_keep_two_or_three_digits(value, text):
    assert hub.milliseconds(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3727, "1:02:07")])
def test_places_in_a_recording(seconds, text):
    assert hub.clock(seconds) == text


def test_ids_show_the_end_that_tells_them_apart():
    assert hub.id_tail(UUID("01931d3a-0000-7000-8000-00000000beef")) == "…0000beef"
    assert hub.id_tail("short") == "short"


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://hooks.example:8443/a?b", "hooks.example:8443"),
        ("https://name:secret@hooks.example/", "hooks.example"),
        ("nothing", "nothing"),
    ],
)
def test_a_host_is_shown_without_credentials(url, host):
    assert hub.url_host(url) == host


def test_json_is_indented_and_other_text_left_alone():
    assert hub.indented_json('{"name":"שלום"}') == '{\n  "name": "שלום"\n}'
    assert hub.indented_json("<html>") == "<html>"


def test_chart_rows_are_the_charts_numbers_newest_first():
    chart = {
        "labels": ["2026-03-10T10:00:00+00:00", "2026-03-10T11:00:00+00:00"],
        "series": [{"label": "Requests", "values": [5, 7]}, {"label": "Errors", "values": [0, 1]}],
    }
    rows = hub.chart_rows(chart)
    assert [(moment.hour, numbers) for moment, numbers in rows] == [(11, [7, 1]), (10, [5, 0])]


class _Form(forms.Form):
    name = forms.CharField()
    kind = forms.ChoiceField(choices=[("a", "A")])
    sure = forms.BooleanField(required=False)


def test_controls_wear_bootstraps_class_and_say_when_they_are_wrong():
    form = _Form({"kind": "a"})
    assert 'class="form-control is-invalid"' in hub.control(form["name"])
    assert 'class="form-select"' in hub.control(form["kind"])
    assert 'class="form-check-input"' in hub.control(form["sure"])
    assert hub.is_checkbox(form["sure"])
    assert not hub.is_checkbox(form["kind"])
