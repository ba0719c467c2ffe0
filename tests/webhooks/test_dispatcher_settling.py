"""What happens when outcomes cannot be recorded."""

from django.db import OperationalError

from tests.webhooks.rows import attempts_of, delivery_now, make_callback
from webhooks import dispatcher
from webhooks.dispatcher import drain


def test_outcomes_outlive_a_database_that_is_away_for_a_moment(receiver, monkeypatch):
    real, failures = dispatcher.attempts_settle, [OperationalError("restarting")]

    def settle(**given):
        if failures:
            raise failures.pop()
        return real(**given)

    monkeypatch.setattr(dispatcher, "attempts_settle", settle)
    delivery = make_callback(receiver.url)
    assert drain() == 1
    assert failures == []
    assert len(receiver.received) == len(attempts_of(delivery)) == 1


def test_an_outcome_that_cannot_be_recorded_takes_no_other_with_it(receiver, monkeypatch):
    real = dispatcher.attempts_settle
    broken, fine = make_callback(receiver.url), make_callback(receiver.url)

    def settle(*, outcomes):
        if any(outcome.delivery.id == str(broken.id) for outcome in outcomes):
            raise ValueError("not to be recorded")
        return real(outcomes=outcomes)

    monkeypatch.setattr(dispatcher, "attempts_settle", settle)
    assert drain() == 1
    assert (delivery_now(broken).status, delivery_now(fine).status) == ("PENDING", "DELIVERED")
