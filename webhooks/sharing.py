"""How a dispatcher's slots are shared between organizations, their clients and these clients' endpoints.

Who holds slots may take more while it holds fewer than twice those that are free to it, at each level of what
the level above leaves (Choudhury and Hahne, Dynamic Queue Length Thresholds for Shared-Memory Packet
Switches, 1998). So any number of dead receivers leaves some slots to the others: of the organization, of the
client, of everybody.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from webhooks.services.claims import Claimed, Lane

_SHARE = 2
_LEVELS = 3
# Taking one slot narrows its lane's room by this at most.
_STEP = 2**_LEVELS + (2**_LEVELS - 1)


class Shares:
    """The slots held now, by lane; written by the event loop, read by the thread that claims."""

    def __init__(self, slots: int) -> None:
        self.free = slots
        self._held: Counter[tuple[int, str]] = Counter()

    def take(self, delivery: Claimed) -> None:
        """A slot goes to this delivery."""
        self._count(delivery, 1)

    def give_back(self, delivery: Claimed) -> None:
        """This delivery's slot is free."""
        self._count(delivery, -1)

    def _count(self, delivery: Claimed, by: int) -> None:
        self.free -= by
        for key in _path(delivery.organization_id, delivery.client_id, delivery.lane):
            held = self._held[key] + by
            if held:
                self._held[key] = held
            else:
                del self._held[key]

    def allot(self, lanes: Sequence[Lane], *, limit: int) -> dict[Lane, int]:
        """How many deliveries each lane may have claimed now, altogether at most `limit`.

        One each at first, then ever more to those that still have room.
        """
        held, free = Counter(self._held), self.free
        paths = {lane: tuple(_path(lane.organization, lane.client, lane.lane)) for lane in lanes}
        allotted: dict[Lane, int] = {}
        hopeful: Iterable[Lane] = lanes
        while limit > 0 and free > 0 and hopeful:
            still = []
            for lane in hopeful:
                room = _room(paths[lane], held, free)
                number = min(limit, free, 1 if lane not in allotted else max(1, room // _STEP))
                if room <= 0 or number <= 0:
                    continue
                allotted[lane] = allotted.get(lane, 0) + number
                limit, free = limit - number, free - number
                for key in paths[lane]:
                    held[key] += number
                still.append(lane)
            hopeful = still
        return allotted


def _path(organization: str, client: str | None, lane: str) -> Iterable[tuple[int, str]]:
    return ((0, organization), (1, client or organization), (2, lane))


def _room(path: Iterable[tuple[int, str]], held: Counter[tuple[int, str]], free: int) -> int:
    room = free
    for key in path:
        room = _SHARE * room - held[key]
        if room <= 0:
            return 0
    return room
