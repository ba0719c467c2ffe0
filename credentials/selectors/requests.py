"""Finding single requests in the log. A look-up walks one index, newest first, and never the whole log.

What an index does not answer (method, path, environment) is filtered among the rows of the walk, of which one
look-up passes 20,000 at most; the next one continues where it ended.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import F, Q, QuerySet

from credentials.models import ApiKey, RequestLog
from credentials.snapshots import OAUTH_SUBJECT
from partners.models import ApiClient
from partners.selectors import account_of

# Most look-ups find a page's worth within the first.
WALKS = (1_000, 20_000)
_FIRST = UUID(int=0)
_LAST_MS = 200 * 366 * 86_400_000


@dataclass(frozen=True)
class Place:
    """A place in the log, newest first: behind the row of this time and id."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True)
class RequestSearch:
    """What to look for; what is left empty is not asked. `since` is inclusive, `until` is not.

    `key` is a key id, or the key's UUID; `status` is one ("404") or a class of them ("4"); `path` is the
    beginning of a path; `person` is the e-mail or UUID of one who called by access token or session. None for
    an organization means every organization's and nobody's.
    """

    organization_id: UUID | str | None = None
    request_id: str = ""
    key: str = ""
    status: str = ""
    method: str = ""
    path: str = ""
    environment: str = ""
    person: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def rows(
        self, *, behind: Place | None = None, walked: int | None = None
    ) -> tuple[QuerySet[RequestLog], datetime | None]:
        """The rows of one look-up, newest first, and how far back it looked where that was not to the end."""
        last = (walked or WALKS[-1]) - 1
        walk = self._walk()
        if behind is not None:
            walk = walk.filter(created_at__lte=behind.created_at).filter(
                Q(created_at__lt=behind.created_at) | Q(id__lt=behind.id)
            )
        rest = self._rest()
        if not rest:
            return walk, None
        reached = walk.values_list("created_at", flat=True)[last : last + 1].first()
        if reached is not None:
            walk = walk.filter(created_at__gte=reached)
        return walk.filter(rest), reached

    def _walk(self) -> QuerySet[RequestLog]:
        """The rows of one index (partner_api_requests_...), in its order."""
        rows = RequestLog.objects.with_person().order_by("-created_at", "-id")
        if self.request_id:
            # the few rows of this index are sorted, lest the planner follows the order of another one
            newest = (F("created_at") + timedelta(0)).desc()
            rows = rows.filter(request_id=self.request_id).order_by(newest, "-id")
        if self._names_tokens:
            rows = rows.filter(organization_id=_organization_of_tokens(self.key))
        elif self.key:
            rows = rows.filter(partner_api_key_id=_key(self.key))
        if self.person:
            rows = rows.filter(user_id=_person(self.person))
        if self.organization_id is not None:
            rows = rows.filter(organization_id=self.organization_id)
        if self._status_has_an_index:
            rows = rows.filter(response_status=int(self.status))
        elif self.status[:1] in {"4", "5"} and not self.person:
            rows = rows.filter(response_status__gte=400)
        if self.since is not None:
            rows = rows.filter(created_at__gte=self.since)
        if self.until is not None:
            rows = rows.filter(created_at__lt=self.until)
        return rows

    @property
    def _status_has_an_index(self) -> bool:
        return (
            self.status >= "400"
            and len(self.status) == 3
            and not (self.key or self.person)
            and self.organization_id is None
        )

    @property
    def _names_tokens(self) -> bool:
        return self.key.startswith(OAUTH_SUBJECT)

    def _rest(self) -> Q:
        rest = Q()
        if self._names_tokens:
            rest &= Q(key_id=self.key)
        if len(self.status) == 1:
            lowest = int(self.status) * 100
            rest &= Q(response_status__gte=lowest, response_status__lt=lowest + 100)
        elif self.status and not self._status_has_an_index:
            rest &= Q(response_status=int(self.status))
        if self.method:
            rest &= Q(method=self.method)
        if self.path:
            rest &= Q(path__startswith=self.path)
        if self.environment:
            rest &= Q(environment=self.environment)
        return rest


@dataclass(frozen=True)
class RequestPage:
    """Found rows, and the place to continue from; `searched_to` says that more may lie before it."""

    rows: list[RequestLog]
    next: Place | None
    searched_to: datetime | None


def request_search(search: RequestSearch, *, behind: Place | None = None, limit: int = 50) -> RequestPage:
    """One page of what `search` finds, newest first, behind a place."""
    for walked in WALKS:
        rows, reached = search.rows(behind=behind, walked=walked)
        found = list(rows[: limit + 1])
        if len(found) > limit:
            last = found[limit - 1]
            return RequestPage(found[:limit], Place(last.created_at, last.id), None)
        if reached is None:
            break
    return RequestPage(found, Place(reached, _FIRST) if reached else None, reached)


def request_find(pk: UUID) -> RequestLog:
    """One row by its id. Raises RequestLog.DoesNotExist.

    The log is ordered by time, and a row's id (UUIDv7) says when it was made: just before `created_at`, or
    within a day of it where a clock was set.
    """
    for earlier, later in ((timedelta(seconds=1), timedelta(seconds=5)), (timedelta(days=1),) * 2):
        row = (
            RequestLog.objects.with_person()
            .filter(id=pk)
            .filter(created_at__gte=_made_at(pk) - earlier, created_at__lt=_made_at(pk) + later)
            .first()
        )
        if row is not None:
            return row
    raise RequestLog.DoesNotExist


def _made_at(pk: UUID) -> datetime:
    milliseconds = pk.int >> 80
    # what is no UUIDv7, or of no time that a server has lived in
    if pk.version != 7 or milliseconds > _LAST_MS:
        raise RequestLog.DoesNotExist
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)


def _organization_of_tokens(subject: str) -> UUID:
    """The organization of the client whose OAuth tokens are logged as `subject`, or one that nobody has."""
    try:
        client_id = UUID(subject.removeprefix(OAUTH_SUBJECT))
    except ValueError:
        return _FIRST
    clients = ApiClient.objects.filter(id=client_id)
    return clients.values_list("organization_id", flat=True).first() or _FIRST


def _person(named: str) -> UUID:
    """The UUID of a person named by their e-mail; one that nobody has where there is no such person."""
    try:
        return UUID(named)
    except ValueError:
        found = account_of(named)
        return found.pk if found else _FIRST


def _key(named: str) -> UUID:
    """The UUID of a key named by its id; one that nobody has where there is no such key."""
    try:
        return UUID(named)
    except ValueError:
        return ApiKey.objects.filter(key_id=named).values_list("pk", flat=True).first() or _FIRST
