"""Quotes add up, end, and come in versions; what belongs to others is not there."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from config import tenancy
from credentials.scopes import Scope
from pipeline.models import Quote
from pipeline.services.quotes import priced
from tests.factories import make_agent, make_company, make_key
from tests.pipeline.walking import LINES, Seller, announced, recorded, today

CENTS = st.integers(0, 10**9)
LINE = st.fixed_dictionaries(
    {
        "description": st.just("x"),
        "quantity": st.decimals("0.001", "99999", places=3),
        "unit_price_minor": CENTS,
        "discount_minor": CENTS,
        "tax_rate": st.decimals(0, 100, places=2),
    }
)


def halves_up(amount: Decimal) -> int:
    return int(amount.quantize(Decimal(1), ROUND_HALF_UP))


@given(st.lists(LINE, min_size=1, max_size=8))
def test_totals_are_exactly_the_sums_of_rounded_lines(lines):
    quote = Quote()
    priced(quote, lines)
    for said, line in zip(quote.lines, lines, strict=True):
        subtotal = max(0, halves_up(line["quantity"] * line["unit_price_minor"]) - line["discount_minor"])
        tax = halves_up(subtotal * line["tax_rate"] / 100)
        assert (said["subtotalMinor"], said["taxMinor"], said["totalMinor"]) == (
            subtotal,
            tax,
            subtotal + tax,
        )
    for total, name in (("subtotal", "subtotalMinor"), ("tax", "taxMinor"), ("total", "totalMinor")):
        assert getattr(quote, f"{total}_minor") == sum(line[name] for line in quote.lines)
    assert sum(tax["taxMinor"] for tax in quote.taxes) == quote.tax_minor
    assert sum(tax["baseMinor"] for tax in quote.taxes) == quote.subtotal_minor


def test_a_quote_says_what_each_line_comes_to(seller):
    quote = seller.quote()
    assert quote["lines"] == [
        {
            "description": "Cover", "quantity": "1", "unitPriceMinor": 120_000, "discountMinor": 0,
            "taxRate": "18.00", "subtotalMinor": 120_000, "taxMinor": 21_600, "totalMinor": 141_600,
        },
        {
            "description": "Glass", "quantity": "2.5", "unitPriceMinor": 333, "discountMinor": 13,
            "taxRate": "17.50", "subtotalMinor": 820, "taxMinor": 144, "totalMinor": 964,
        },
    ]  # fmt: skip
    assert (quote["subtotalMinor"], quote["taxMinor"], quote["totalMinor"]) == (120_820, 21_744, 142_564)
    assert quote["taxes"][0] == {"rate": "17.50", "baseMinor": 820, "taxMinor": 144}
    assert (quote["status"], quote["version"], quote["seriesId"]) == ("draft", 1, quote["id"])


def test_the_database_itself_refuses_a_total_that_is_not_the_sum(seller):
    """The negative control: past the code."""
    seller.quote()
    for column in ("subtotal_minor", "total_minor"):
        with pytest.raises(IntegrityError), tenancy.operator():
            Quote.objects.update(**{column: 1})


def test_a_draft_changes_and_what_changes_nothing_is_not_recorded(seller):
    quote = seller.quote()
    path, told = f"/quotes/{quote['id']}", recorded()
    assert seller.done(path, {"title": quote["title"]}, method="put") == quote
    assert recorded() == told
    changed = seller.done(path, {"lines": [{"description": "x", "unitPriceMinor": 5}]}, method="patch")
    assert (changed["totalMinor"], changed["title"]) == (5, quote["title"])
    entry = seller.fresh("quotes", quote)["history"][-1]
    assert (entry["action"], entry["after"]) == ("update", {"totalMinor": 5})


def test_a_revision_supersedes_and_history_is_kept(seller):
    first = seller.quote_in("sent")
    second = seller.done(f"/quotes/{first['id']}/revise", {"validUntil": today(60)})
    assert (second["version"], second["supersedesId"], second["seriesId"]) == (2, first["id"], first["id"])
    assert (second["status"], second["lines"], second["validUntil"]) == ("draft", first["lines"], today(60))
    seller.done(f"/quotes/{second['id']}/send")
    seller.done(f"/quotes/{second['id']}/reject", {"reason": "too dear"})
    third = seller.done(f"/quotes/{second['id']}/revise", {"lines": LINES[1:]})
    shown = seller.fresh("quotes", third)
    assert [(one["version"], one["status"]) for one in shown["versions"]] == [
        (1, "superseded"), (2, "superseded"), (3, "draft"),
    ]  # fmt: skip
    former = seller.fresh("quotes", second)
    assert (former["reason"], former["totalMinor"]) == ("too dear", first["totalMinor"])
    assert [entry["action"] for entry in former["history"]] == ["create", "send", "reject", "revise"]
    assert seller.get("/quotes", seriesId=first["id"]).json()["pagination"]["total"] == 3


def test_what_is_not_valid_is_refused_and_nothing_is_kept(seller):
    lead, told = seller.qualified(), recorded()
    body = {"leadId": lead["id"], "title": "x", "currency": "ILS", "validUntil": today(1), "lines": LINES}
    for wrong, field in (
        ({"lines": []}, "lines"),
        ({"lines": [{"description": "x", "unitPriceMinor": -1}]}, "lines"),
        ({"lines": [{"description": "x", "unitPriceMinor": 1, "quantity": "0"}]}, "lines"),
        ({"lines": [{"description": "x", "unitPriceMinor": 1, "taxRate": "101"}]}, "lines"),
        ({"currency": "XYZ9"}, "currency"),
        ({"currency": "QQQ"}, "currency"),
        ({"validUntil": "9999-12-31"}, "validUntil"),
        ({"title": ""}, "title"),
    ):
        refused = seller.send("/quotes", body | wrong)
        assert (refused.status_code, field in refused.json()["details"]) == (400, True), wrong
    assert recorded() == told


def test_a_day_that_is_over_is_refused(seller):
    lead, told = seller.qualified(), recorded()
    body = {"leadId": lead["id"], "title": "x", "currency": "ILS", "validUntil": today(-2), "lines": LINES}
    refused = seller.send("/quotes", body)
    assert (refused.status_code, refused.json()["details"]["reason"]) == (422, "valid_until_past")
    assert recorded() == told


NOUNS = ("leads", "assignments", "quotes", "proposals", "policies")


def test_lists_are_narrowed_sorted_and_paged(seller, agents):
    policy = seller.policy()
    other = seller.lead(name="Beth", email="beth@b.example")
    offered = seller.done("/assignments", {"leadId": other["id"], "agentId": str(agents[0].id)})
    for noun in NOUNS:
        listed = seller.get(f"/{noun}", search="ada", sortBy="updatedAt", sortOrder="asc").json()
        assert {"page", "limit", "total", "totalPages", "nextCursor"} == listed["pagination"].keys()
        ids = [row["leadId"] if noun != "leads" else row["id"] for row in listed["data"]]
        assert ids == ([] if noun == "assignments" else [policy["leadId"]])
        assert seller.get(f"/{noun}", status="none").status_code == 400
        assert seller.get(f"/{noun}", sortBy="none").status_code == 400
        assert seller.get(f"/{noun}", dateTo="2020-01-01").json()["pagination"]["total"] == 0
    for noun in NOUNS[1:]:
        for lead_id in (policy["leadId"], other["id"]):
            total = seller.get(f"/{noun}", leadId=lead_id).json()["pagination"]["total"]
            assert total == ((lead_id == other["id"]) if noun == "assignments" else lead_id != other["id"])
    listed = seller.get("/assignments", agentId=offered["agentId"], status="offered").json()
    assert [row["id"] for row in listed["data"]] == [offered["id"]]
    assert listed["data"] == [
        {name: value for name, value in seller.fresh("assignments", offered).items() if name != "history"}
    ]
    assert seller.get("/policies", number=policy["number"]).json()["data"][0]["id"] == policy["id"]
    for _ in range(3):
        seller.quote(seller.fresh("leads", {"id": policy["leadId"]}))
    first = seller.get("/quotes", limit=2).json()
    rest = seller.get("/quotes", limit=2, cursor=first["pagination"]["nextCursor"]).json()
    assert (len(first["data"]), len(rest["data"]), rest["pagination"]["nextCursor"]) == (2, 2, None)


def test_another_organizations_are_404_and_untouched(seller, stranger, agents):
    policy = seller.active_policy()
    proposal = seller.fresh("proposals", {"id": policy["proposalId"]})
    offer = seller.done("/assignments", {"leadId": seller.lead()["id"]})
    rows = {
        "leads": {"id": policy["leadId"]}, "assignments": offer, "quotes": {"id": proposal["quoteId"]},
        "proposals": proposal, "policies": policy,
    }  # fmt: skip
    before, told = {noun: seller.fresh(noun, row) for noun, row in rows.items()}, recorded()
    heard = announced()
    steps = {
        "leads": ("qualify", "convert", "reject"), "assignments": ("accept", "reject"),
        "quotes": ("send", "accept", "reject", "revise"), "proposals": ("send", "link", "accept", "reject"),
        "policies": ("activate", "cancel"),
    }  # fmt: skip
    for noun, row in rows.items():
        path = f"/{noun}/{row['id']}"
        assert stranger.get(path).status_code == 404
        assert stranger.get(f"/{noun}").json()["pagination"]["total"] == 0
        if noun != "assignments":
            assert stranger.send(path, {"title": "x"}, method="patch").status_code == 404
        for step in steps[noun]:
            assert stranger.send(f"{path}/{step}", {"reason": "x", "name": "x"}).status_code == 404, step
    assert stranger.send("/proposals", {"quoteId": proposal["quoteId"]}).status_code == 404
    body = {"proposalId": proposal["id"], "startsOn": today()}
    assert stranger.send("/policies", body).status_code == 404
    assert {noun: seller.fresh(noun, row) for noun, row in rows.items()} == before
    assert (recorded(), announced()) == (told, heard)


def test_each_surface_asks_for_its_own_scopes(seller, organization, agents):
    proposal = seller.sent_proposal()
    told = recorded()
    for noun in NOUNS:
        others = [scope for scope in Scope if not scope.startswith(f"{noun}:")]
        outsider = Seller(make_key(organization, scopes=others))
        reader = Seller(make_key(organization, scopes=[Scope(f"{noun}:read")]))
        assert outsider.get(f"/{noun}").json()["details"]["requiredScope"] == f"{noun}:read"
        assert reader.get(f"/{noun}").status_code == 200
        refused = reader.send(f"/{noun}", {})
        assert (refused.status_code, refused.json()["details"]["requiredScope"]) == (403, f"{noun}:write")
    # only whoever may write is told the customer's address
    assert "acceptanceUrl" not in seller.fresh("proposals", proposal)
    assert recorded() == told


def test_a_key_bound_to_a_company_has_what_belongs_to_its_leads(seller, organization):
    company = make_company(organization)
    make_agent(company)
    mine = seller.qualified(companyId=str(company.id))
    theirs = seller.qualified()
    kept, hidden = seller.quote(mine), seller.quote(theirs)
    bound = Seller(make_key(organization, company_id=company.id))
    assert [row["id"] for row in bound.get("/quotes").json()["data"]] == [kept["id"]]
    assert bound.get(f"/quotes/{kept['id']}").status_code == 200
    assert bound.get(f"/quotes/{hidden['id']}").status_code == 404
    told = recorded()
    assert bound.send(f"/quotes/{hidden['id']}/send").status_code == 404
    assert bound.send("/assignments", {"leadId": theirs["id"]}).status_code == 404
    assert recorded() == told
    assert bound.done("/assignments", {"leadId": mine["id"]})["leadId"] == mine["id"]
