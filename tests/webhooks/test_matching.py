"""Which events a subscription wants, by type and by payload."""

import pytest

from tests.factories import make_client
from tests.webhooks.rows import all_deliveries, emit, make_subscription
from webhooks.matching import MAX_FILTERS, filters_match, filters_validate, patterns_matching
from webhooks.services import events_fan_out

DATA = {
    "lead": {"source": "web", "score": 7, "tags": ["new", "vip"], "won": True, "note": None},
    "name": "Ada",
}


@pytest.mark.parametrize(
    ("field", "operator", "value", "holds"),
    [
        ("lead.source", "equals", "web", True),
        ("lead.source", "equals", "phone", False),
        ("lead.score", "equals", 7.0, True),
        ("lead.score", "equals", "7", False),
        ("lead.won", "equals", 1, False),
        ("lead.note", "equals", None, True),
        ("lead.gone", "equals", None, False),
        ("lead.source", "not_equals", "phone", True),
        ("lead.gone", "not_equals", "phone", True),
        ("lead.source", "in", ["phone", "web"], True),
        ("lead.source", "in", ["phone"], False),
        ("lead.note", "exists", True, True),
        ("lead.gone", "exists", True, False),
        ("lead.gone", "exists", False, True),
        ("lead.score", "greater_than", 6.5, True),
        ("lead.score", "greater_than", 7, False),
        ("lead.score", "less_than", 8, True),
        ("lead.score", "less_than", "8", False),
        ("lead.won", "greater_than", 0, False),
        ("name", "less_than", "Bob", True),
        ("name", "contains", "d", True),
        ("lead.tags", "contains", "vip", True),
        ("lead.tags", "contains", "vi", False),
        ("lead", "contains", "score", True),
        ("lead.score", "contains", "7", False),
        ("lead.tags.1", "equals", "vip", True),
        ("lead.tags.2", "exists", False, True),
        ("lead.tags.x", "exists", True, False),
        ("lead.tags." + "9" * 5000, "exists", True, False),
        ("name.first", "exists", True, False),
    ],
)
def test_a_condition(field, operator, value, holds):
    assert filters_match([{"field": field, "operator": operator, "value": value}], DATA) is holds


def test_all_conditions_must_hold():
    web = {"field": "lead.source", "operator": "equals", "value": "web"}
    cold = {"field": "lead.score", "operator": "less_than", "value": 5}
    assert filters_match([], DATA)
    assert filters_match([web], DATA)
    assert not filters_match([web, cold], DATA)


def test_what_is_valid_is_kept_as_it_is_and_matches_without_raising():
    given = [
        {"field": "lead.source", "operator": "in", "value": ["web", None, True, 1.5]},
        {"field": "lead.score", "operator": "exists"},
    ]
    kept = filters_validate(given)
    assert kept == [given[0], {"field": "lead.score", "operator": "exists", "value": True}]
    for data in ({}, [], "text", None, {"lead": 5}, {"lead": {"source": {}, "score": []}}):
        filters_match(kept, data)


@pytest.mark.parametrize(
    ("filters", "message"),
    [
        ({}, "Filters are a list"),
        ([{}] * (MAX_FILTERS + 1), "At most"),
        (["x"], "Filter 1: give an object"),
        ([{"field": "a", "operator": "exists"}, {}], "Filter 2: field"),
        ([{"field": "a..b", "operator": "exists"}], "field is a path"),
        ([{"field": "a" * 201, "operator": "exists"}], "field is a path"),
        ([{"field": "a", "operator": "matches", "value": 1}], "operator is one of"),
        ([{"field": "a", "operator": ["equals"], "value": 1}], "operator is one of"),
        ([{"field": "a", "operator": "equals"}], "value is missing"),
        ([{"field": "a", "operator": "equals", "value": {}}], "a value is"),
        ([{"field": "a", "operator": "equals", "value": "x" * 1001}], "at most 1000"),
        ([{"field": "a", "operator": "in", "value": "web"}], "in takes a list"),
        ([{"field": "a", "operator": "in", "value": []}], "in takes a list"),
        ([{"field": "a", "operator": "in", "value": [[]]}], "a value is"),
        ([{"field": "a", "operator": "exists", "value": 1}], "exists takes"),
        ([{"field": "a", "operator": "less_than", "value": True}], "less_than takes"),
        ([{"field": "a", "operator": "equals", "value": 1, "or": 2}], "or is not one of"),
    ],
)
def test_what_is_no_filter_is_refused_by_a_sentence(filters, message):
    with pytest.raises(ValueError, match=message):
        filters_validate(filters)


def test_a_family_of_types_is_named_at_any_depth():
    assert patterns_matching("lead.created") == {"lead.created", "lead.*", "*"}
    assert patterns_matching("a.b.c") == {"a.b.c", "a.b.*", "a.*", "*"}


def test_only_events_whose_data_match_are_delivered():
    client = make_client()
    mine = {"field": "name", "operator": "equals", "value": client.name}
    wanted = make_subscription("https://a.example/", client=client, payload_filters=[mine])
    make_subscription("https://b.example/", client=client, payload_filters=[mine | {"value": "Nobody"}])
    emit(client)
    events_fan_out()
    assert [delivery.subscription_id for delivery in all_deliveries()] == [wanted.id]
