"""Limits and quotas (contract 0.3): one script on the Redis-compatible store decides each request.

The minute is an exact sliding window: no interval of 60 seconds admits more than the limit. Keys with a
burst are a token bucket instead. Hours and days are calendar windows in UTC. A refused request is
counted nowhere.
"""

import math
import time
from collections.abc import Callable
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

import redis

from config.api.exceptions import DomainError
from credentials.admission_journal import Entry
from credentials.limits_fallback import REBUILDING_KEY, fallback
from credentials.store import Script, store, store_answered, store_failed, store_is_up, store_rests

CALL_ANALYSIS_PER_MINUTE = 1000
CATALOGUE_PER_MINUTE = 300
CATALOGUE_BURST = 1000


class TierLimits(NamedTuple):
    """Requests per minute, hour and day."""

    per_minute: int
    per_hour: int
    per_day: int


TIERS = {
    "basic": TierLimits(60, 1_000, 10_000),
    "standard": TierLimits(120, 5_000, 50_000),
    "premium": TierLimits(300, 15_000, 150_000),
    "enterprise": TierLimits(600, 50_000, 500_000),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller may do; 0 means no such limit. `burst` turns the minute into a token bucket."""

    per_minute: int
    per_hour: int = 0
    per_day: int = 0
    burst: int = 0


# Callers without a valid credential share the basic tier by address, so guessing keys is slow.
ANONYMOUS = Limits(*TIERS["basic"])


class Verdict(NamedTuple):
    """The script's answer: `outcome` is one of the constants below; times are unix microseconds."""

    outcome: int
    limit: int
    remaining: int
    reset_us: int
    retry_us: int
    day_remaining: int


ADMITTED, STALE, MINUTE_FULL, HOUR_FULL, DAY_FULL, REBUILDING = 1, 0, -1, -2, -3, -4
_WINDOWS = {HOUR_FULL: "hour", DAY_FULL: "day"}

# KEYS: version, counters' prefix, rebuilding mark. ARGV: version, per minute, per hour, per day, burst.
# A window is a list of the admissions' times in microseconds, which a number holds exactly.
_SCRIPT = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local minute, hour, day, burst = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local base = KEYS[2]
local function us(x) return string.format('%.0f', x) end
local hour_key, day_key = base .. ':h' .. math.floor(now / 3600e6), base .. ':d' .. math.floor(now / 86400e6)
local known = redis.call('MGET', KEYS[1], KEYS[3], hour_key, day_key)
if ARGV[1] ~= '' and known[1] ~= ARGV[1] then return {0, 0, 0, 0, 0, 0} end
if known[2] then return {-4, 0, 0, 0, 0, 0} end
local day_left = -1
if hour > 0 and tonumber(known[3] or 0) >= hour then
  local reset = (math.floor(now / 3600e6) + 1) * 3600e6
  return {-2, hour, 0, reset, reset - now, -1}
end
if day > 0 then
  day_left = day - tonumber(known[4] or 0)
  if day_left <= 0 then
    local reset = (math.floor(now / 86400e6) + 1) * 86400e6
    return {-3, day, 0, reset, reset - now, 0}
  end
end

local remaining, reset
if burst > 0 then
  local per_us = minute / 60e6
  local state = redis.call('HMGET', base .. ':b', 't', 'n')
  local tokens = burst
  if state[1] then tokens = math.min(burst, tonumber(state[2]) + (now - tonumber(state[1])) * per_us) end
  if tokens < 1 then
    local wait = math.ceil((1 - tokens) / per_us)
    return {-1, minute, 0, now + wait, wait, day_left}
  end
  tokens = tokens - 1
  redis.call('HSET', base .. ':b', 't', us(now), 'n', string.format('%.6f', tokens))
  redis.call('PEXPIRE', base .. ':b', math.ceil(burst / minute * 60000) + 1000)
  remaining, reset = math.floor(tokens), math.ceil(now + (burst - tokens) / per_us)
else
  local window, opens = base .. ':w', now - 60e6
  local oldest = tonumber(redis.call('LINDEX', window, 0) or nil)
  while oldest and oldest <= opens do
    local hundredth = redis.call('LINDEX', window, 99)
    if hundredth and tonumber(hundredth) <= opens then redis.call('LTRIM', window, 100, -1)
    else redis.call('LPOP', window) end
    oldest = tonumber(redis.call('LINDEX', window, 0) or nil)
  end
  local used = redis.call('LLEN', window)
  if used >= minute then
    -- after a limit was lowered more than one entry must leave first
    local freeing = tonumber(redis.call('LINDEX', window, used - minute))
    return {-1, minute, 0, freeing + 60e6, freeing + 60e6 - now, day_left}
  end
  redis.call('RPUSH', window, us(now))
  -- asking costs less than a write, which the store would also write to its file
  if redis.call('PTTL', window) < 61000 then redis.call('PEXPIRE', window, 122000) end
  remaining, reset = minute - used - 1, (oldest or now) + 60e6
end
if hour > 0 and redis.call('INCR', hour_key) == 1 then redis.call('EXPIRE', hour_key, 3700) end
if day > 0 then
  if redis.call('INCR', day_key) == 1 then redis.call('EXPIRE', day_key, 86500) end
  day_left = day_left - 1
end
return {1, minute, remaining, reset, 0, day_left}
"""
_decide = Script(_SCRIPT)


def request_admit(*, subject: str, limits: Limits, version: str) -> Verdict:
    """Count one request of `subject` (a key id or an address) in one round trip.

    `version` is the cached credential's; STALE says that the credential changed since it was cached
    (empty: no credential, never stale). While the store does not answer, and for a minute after,
    PostgreSQL counts. What was refused a moment ago is refused again without asking.
    """
    standing = _standing_refusal(subject, limits, version)
    if standing is not None:
        return standing
    if not store_is_up():
        return _counted_here(subject, limits, version)
    question = _Question(subject, limits, version, fallback.ask(subject), time.monotonic())

    def run() -> Any:
        fallback.rejoin(store)
        return _decide.run(_call(subject, limits, version))

    return _decided(question, run)


class _Question(NamedTuple):
    subject: str
    limits: Limits
    version: str
    entry: Entry
    asked_at: float


def request_ask(*, subject: str, limits: Limits, version: str) -> Callable[[], Verdict] | None:
    """As request_admit, in two steps: the store is asked now, and what is answered here gives the verdict.

    This thread must call it, once, before it asks the store anything else. None where the store cannot be
    asked without waiting or need not be: nothing has been counted, and request_admit is to be called.
    """
    if store_rests() or fallback.must_announce or _standing_refusal(subject, limits, version):
        return None
    question = _Question(subject, limits, version, fallback.ask(subject), time.monotonic())
    call = _call(subject, limits, version)
    if not _decide.ask(call):
        fallback.withdraw(question.entry)
        return None
    return partial(_decided, question, partial(_decide.answer, call))


def _decided(question: _Question, run: Callable[[], Any]) -> Verdict:
    subject, limits, version, entry, asked_at = question
    try:
        verdict = Verdict(*run())
        store_answered()
    except redis.RedisError as error:
        fallback.withdraw(entry)
        store_failed(error)
        return _counted_here(subject, limits, version)
    except BaseException:
        fallback.withdraw(entry)
        raise
    if verdict.outcome == REBUILDING:
        fallback.withdraw(entry)
        return _count_for_the_store(subject, limits)
    if verdict.outcome == STALE:
        fallback.withdraw(entry)
        return verdict
    fallback.answered(entry, admitted=verdict.outcome == ADMITTED, remaining=verdict.remaining)
    if verdict.retry_us:
        _keep_refusal(subject, limits, version, verdict, asked_at)
    return verdict


def _counted_here(subject: str, limits: Limits, version: str) -> Verdict:
    # nobody can say whether a cached key is current: the caller reads it again, then counts here
    return _STALE if version else Verdict(*fallback.count(subject, limits)[:6])


# What is left, counted nowhere. KEYS: counters' prefix. ARGV: per minute, per hour, per day, burst.
_PEEK = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local minute, burst = tonumber(ARGV[1]), tonumber(ARGV[4])
for index, window in ipairs({{':h', 3600e6}, {':d', 86400e6}}) do
  local limit, slot = tonumber(ARGV[1 + index]), math.floor(now / window[2])
  if limit > 0 and tonumber(redis.call('GET', KEYS[1] .. window[1] .. slot) or 0) >= limit then
    return {0, string.format('%.0f', (slot + 1) * window[2])}
  end
end
if burst > 0 then
  local per_us, tokens = minute / 60e6, burst
  local state = redis.call('HMGET', KEYS[1] .. ':b', 't', 'n')
  if state[1] then tokens = math.min(burst, tonumber(state[2]) + (now - tonumber(state[1])) * per_us) end
  return {math.floor(tokens), string.format('%.0f', now + (burst - tokens) / per_us)}
end
local used, oldest = 0, now
for _, at in ipairs(redis.call('LRANGE', KEYS[1] .. ':w', -minute, -1)) do
  if tonumber(at) > now - 60e6 then
    if used == 0 then oldest = tonumber(at) + 60e6 end
    used = used + 1
  end
end
return {math.max(0, minute - used), string.format('%.0f', oldest)}
"""


def limits_peek(*, subject: str, limits: Limits) -> tuple[int, datetime] | None:
    """How many requests `subject` has left now, and when its limit is whole again; None without the store."""
    try:
        left: Any = store.eval(_PEEK, 1, _counters(subject), *map(str, astuple(limits)))
    except redis.RedisError:
        return None
    return int(left[0]), datetime.fromtimestamp(int(left[1]) / 1e6, tz=UTC)


class _Refusal(NamedTuple):
    limits: Limits
    version: str
    verdict: Verdict
    asked_at: float
    ends_at: float


# A window that is full stays full until its reset, whoever asks: the same answer needs no other question.
# It is kept for less than the second in which a change of the key must hold.
_REFUSAL_STANDS_S = 0.5
_REFUSALS_KEPT = 10_000
_refusals: dict[str, _Refusal] = {}


def _standing_refusal(subject: str, limits: Limits, version: str) -> Verdict | None:
    refusal = _refusals.get(subject)
    if refusal is None:
        return None
    now = time.monotonic()
    if now >= refusal.ends_at or refusal.version != version or refusal.limits != limits:
        _refusals.pop(subject, None)
        return None
    waited_us = int((now - refusal.asked_at) * 1e6)
    return refusal.verdict._replace(retry_us=max(1, refusal.verdict.retry_us - waited_us))


def _keep_refusal(subject: str, limits: Limits, version: str, verdict: Verdict, asked_at: float) -> None:
    if len(_refusals) >= _REFUSALS_KEPT:
        _refusals.clear()
    ends_at = asked_at + min(_REFUSAL_STANDS_S, verdict.retry_us / 1e6)
    _refusals[subject] = _Refusal(limits, version, verdict, asked_at, ends_at)


@lru_cache(maxsize=20_000)
def _call(subject: str, limits: Limits, version: str) -> bytes:
    return _decide.call_of(
        keys=(version_key(subject), _counters(subject), REBUILDING_KEY),
        arguments=(version, limits.per_minute, limits.per_hour, limits.per_day, limits.burst),
    )


def _count_for_the_store(subject: str, limits: Limits) -> Verdict:
    count = fallback.count(subject, limits)
    if count.outcome == ADMITTED:
        try:
            fallback.record(store, _counters(subject), count, limits=limits)
        except redis.RedisError as error:
            store_failed(error)
    return Verdict(*count[:6])


_STALE = Verdict(STALE, 0, 0, 0, 0, 0)


def _counters(subject: str) -> str:
    return f"hub:limit:{{{subject}}}"


def version_key(key_id: str) -> str:
    """Where the store keeps the current version of a key."""
    return f"hub:version:{{{key_id}}}"


class RateLimitExceeded(DomainError):
    """429: the minute, the hour or the token bucket is used up."""

    status, code, retryable = 429, "RATE_LIMIT_EXCEEDED", True
    message = "Too many requests. Slow down and try again."


class QuotaExceeded(DomainError):
    """429: the day's quota is used up."""

    status, code, retryable = 429, "QUOTA_EXCEEDED", True
    message = "The daily quota is used up."


def refusal(verdict: Verdict) -> DomainError:
    """The 429 that a verdict stands for, with `retryAfter` in seconds."""
    seconds = max(1, math.ceil(verdict.retry_us / 1e6))
    kind = QuotaExceeded if verdict.outcome == DAY_FULL else RateLimitExceeded
    error = kind(retryAfter=seconds)
    error.headers["Retry-After"] = str(seconds)
    return error


def limit_headers(verdict: Verdict, limits: Limits) -> tuple[tuple[str, str], ...]:
    """`X-RateLimit-*`, and the IETF draft's `RateLimit` and `RateLimit-Policy`."""
    name = _WINDOWS.get(verdict.outcome) or ("burst" if limits.burst else "minute")
    reset_s = verdict.reset_us // 1_000_000
    seconds = max(0, math.ceil(verdict.reset_us / 1e6 - time.time()))
    return (
        ("X-RateLimit-Limit", str(verdict.limit)),
        ("X-RateLimit-Remaining", str(verdict.remaining)),
        ("X-RateLimit-Reset", _moment(reset_s)),
        ("RateLimit", f'"{name}";r={verdict.remaining};t={seconds}'),
        ("RateLimit-Policy", _policy(limits)),
    )


@lru_cache(maxsize=1024)
def _moment(second: int) -> str:
    return datetime.fromtimestamp(second, tz=UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=1024)
def _policy(limits: Limits) -> str:
    policies = [f'"minute";q={limits.per_minute};w=60']
    if limits.burst:
        policies = [f'"burst";q={limits.burst};w={math.ceil(60 * limits.burst / limits.per_minute)}']
    if limits.per_hour:
        policies.append(f'"hour";q={limits.per_hour};w=3600')
    if limits.per_day:
        policies.append(f'"day";q={limits.per_day};w=86400')
    return ", ".join(policies)
