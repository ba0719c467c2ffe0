"""Postbacks of a network that come while others of it are taken in go on together: one message for all.

As databases gather commits: each request still waits for its own outcome, and what the first one costs, those
that travel with it hardly add to. Nothing is gathered by waiting for more to come.
"""

import threading
from collections import deque
from uuid import UUID

import structlog

from catalog.models import AffiliateNetwork
from rewards.models import RewardTerms
from rewards.postbacks import Postback
from rewards.services.arrivals import postbacks_settle
from rewards.transitions import Outcome

log = structlog.get_logger(__name__)

# A statement for each number of rows is prepared once a connection.
_MOST = 8


class _Waiting:
    """A postback whose request waits for what comes of it."""

    __slots__ = ("is_settled", "is_taken", "outcome", "postback")

    def __init__(self, postback: Postback) -> None:
        self.postback = postback
        self.outcome: Outcome | None = None
        # somebody took it along
        self.is_taken = False
        # and knows its outcome
        self.is_settled = False


class _Gate:
    """Where the postbacks of one network meet: one request works, for all that have come by then."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.waiting: deque[_Waiting] = deque()
        self.requests = 0


_gates: dict[UUID, _Gate] = {}
_gates_lock = threading.Lock()


def postback_settle(*, network: AffiliateNetwork, terms: RewardTerms, postback: Postback) -> Outcome | None:
    """`postbacks_settle` of one, together with those that other requests bring meanwhile.

    What cannot be settled together is tried again by each request for itself, which meets its own error.
    """
    own = _Waiting(postback)
    with _gates_lock:
        gate = _gates.setdefault(network.id, _Gate())
        gate.requests += 1
        gate.waiting.append(own)
    try:
        with gate.lock:
            while not own.is_taken:
                _take(gate, network, terms)
    finally:
        with _gates_lock:
            gate.requests -= 1
            if not gate.requests:
                del _gates[network.id]
    if not own.is_settled:
        (own.outcome,) = postbacks_settle(network=network, terms=terms, postbacks=[postback])
    return own.outcome


def _take(gate: _Gate, network: AffiliateNetwork, terms: RewardTerms) -> None:
    with _gates_lock:
        taken = [gate.waiting.popleft() for _ in range(min(_MOST, len(gate.waiting)))]
    for one in taken:
        one.is_taken = True
    postbacks = [one.postback for one in taken]
    try:
        outcomes = postbacks_settle(network=network, terms=terms, postbacks=postbacks)
    except Exception:
        if len(taken) == 1:
            raise
        log.info("postbacks_parted", network=str(network.id), postbacks=len(taken), exc_info=True)
        return
    for one, outcome in zip(taken, outcomes, strict=True):
        one.outcome, one.is_settled = outcome, True
