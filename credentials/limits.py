"""Limits and quotas (contract 0.3): one script on the Redis-compatible store decides each request.

The minute is an exact sliding window: no interval of 60 seconds admits more than the limit. Keys with a
burst are a token bucket instead. Hours and days are calendar windows in UTC. A refused request is
counted nowhere.
"""

import hashlib
import math
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

import redis
import structlog
from django.conf import settings
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError
from redis.retry import Retry

from config.api.exceptions import DomainError
from credentials.limits_fallback import REBUILDING_KEY, fallback

log = structlog.get_logger(__name__)

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

# KEYS: version, counters' prefix, rebuilding mark.
# ARGV: version, per minute, per hour, per day, burst, nonce.
_SCRIPT = """
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
if ARGV[1] ~= '' then
  local version = redis.call('GET', KEYS[1])
  if version ~= ARGV[1] then return {0, 0, 0, 0, 0, 0} end
end
if redis.call('EXISTS', KEYS[3]) == 1 then return {-4, 0, 0, 0, 0, 0} end
local minute, hour, day, burst = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local base = KEYS[2]
local function us(x) return string.format('%.0f', x) end

local hour_key, day_key = base .. ':h' .. math.floor(now / 3600e6), base .. ':d' .. math.floor(now / 86400e6)
local day_left = -1
if hour > 0 and tonumber(redis.call('GET', hour_key) or 0) >= hour then
  local reset = (math.floor(now / 3600e6) + 1) * 3600e6
  return {-2, hour, 0, us(reset), us(reset - now), -1}
end
if day > 0 then
  day_left = day - tonumber(redis.call('GET', day_key) or 0)
  if day_left <= 0 then
    local reset = (math.floor(now / 86400e6) + 1) * 86400e6
    return {-3, day, 0, us(reset), us(reset - now), 0}
  end
end

local remaining, reset
if burst > 0 then
  local per_us = minute / 60e6
  local state = redis.call('HMGET', base .. ':b', 't', 'n')
  local tokens = burst
  if state[1] then tokens = math.min(burst, tonumber(state[2]) + (now - tonumber(state[1])) * per_us) end
  if tokens < 1 then
    local wait = (1 - tokens) / per_us
    return {-1, minute, 0, us(now + wait), us(wait), day_left}
  end
  tokens = tokens - 1
  redis.call('HSET', base .. ':b', 't', us(now), 'n', string.format('%.6f', tokens))
  redis.call('PEXPIRE', base .. ':b', math.ceil(burst / minute * 60000) + 1000)
  remaining, reset = math.floor(tokens), now + (burst - tokens) / per_us
else
  local window = base .. ':m'
  redis.call('ZREMRANGEBYSCORE', window, '-inf', us(now - 60e6))
  local used = redis.call('ZCARD', window)
  local oldest = redis.call('ZRANGE', window, 0, 0, 'WITHSCORES')[2]
  if used >= minute then
    -- after a limit was lowered more than one entry must leave first
    local freeing = redis.call('ZRANGE', window, used - minute, used - minute, 'WITHSCORES')[2]
    return {-1, minute, 0, us(freeing + 60e6), us(freeing + 60e6 - now), day_left}
  end
  redis.call('ZADD', window, us(now), us(now) .. ARGV[6])
  redis.call('PEXPIRE', window, 61000)
  remaining, reset = minute - used - 1, (oldest or now) + 60e6
end
if hour > 0 then redis.call('INCR', hour_key) redis.call('EXPIRE', hour_key, 3700) end
if day > 0 then redis.call('INCR', day_key) redis.call('EXPIRE', day_key, 86500) day_left = day_left - 1 end
return {1, minute, remaining, us(reset), 0, day_left}
"""

# An answer takes a fraction of a millisecond; a false alarm costs nothing but a slower minute.
store = redis.Redis.from_url(
    settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, retry=Retry(NoBackoff(), 0)
)
_SHA = hashlib.sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest()


def _decide(keys: list[str], args: list[str | int]) -> Verdict:
    try:
        answer: Any = store.evalsha(_SHA, len(keys), *keys, *args)
    except NoScriptError:
        fallback.store_restarted(store)
        store.script_load(_SCRIPT)
        answer = store.evalsha(_SHA, len(keys), *keys, *args)
    return Verdict(*map(int, answer))


def request_admit(*, subject: str, limits: Limits, version: str, nonce: str) -> Verdict:
    """Count one request of `subject` (a key id or an address) in one round trip.

    `version` is the cached credential's; STALE says that the credential changed since it was cached
    (empty: no credential, never stale). While the store does not answer, and for a minute after,
    PostgreSQL counts.
    """
    global _rests_until
    if store_is_up():
        if _rests_until:  # others go past the store while this request finds out
            _rests_until = time.monotonic() + _REST_S
        asked = fallback.ask(subject)
        base = f"hub:limit:{{{subject}}}"
        try:
            fallback.rejoin(store)
            verdict = _decide(
                [version_key(subject), base, REBUILDING_KEY],
                [version, limits.per_minute, limits.per_hour, limits.per_day, limits.burst, nonce],
            )
            _rests_until = 0.0
        except redis.RedisError as error:
            fallback.unanswered(asked)
            store_failed(error)
        except BaseException:
            fallback.unanswered(asked)
            raise
        else:
            if verdict.outcome != REBUILDING:
                admitted = verdict.outcome == ADMITTED
                fallback.answered(asked, admitted=admitted, remaining=verdict.remaining)
                return verdict
            fallback.unanswered(asked)
            return _count_for_the_store(subject, limits, base=base, member=nonce)
    # nobody can say whether a cached key is current: the caller reads it again, then counts here
    return _STALE if version else Verdict(*fallback.count(subject, limits)[:6])


def _count_for_the_store(subject: str, limits: Limits, *, base: str, member: str) -> Verdict:
    count = fallback.count(subject, limits)
    if count.outcome == ADMITTED:
        try:
            fallback.record(store, base, count, member=member, limits=limits)
        except redis.RedisError as error:
            store_failed(error)
    return Verdict(*count[:6])


_STALE = Verdict(STALE, 0, 0, 0, 0, 0)
# For how long a process does not ask a store that failed, so that no request waits for it.
_REST_S = 1.0
_rests_until = 0.0


def store_is_up() -> bool:
    """Whether to ask the store; after a failure, not before a second has passed."""
    return time.monotonic() >= _rests_until


def store_failed(error: redis.RedisError) -> None:
    """Note that the store does not answer; the first request after a second asks again."""
    global _rests_until
    _rests_until = time.monotonic() + _REST_S
    fallback.store_is_gone()
    log.warning("limit_store_unavailable", error=str(error))


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


def limit_headers(verdict: Verdict, limits: Limits) -> dict[str, str]:
    """`X-RateLimit-*`, and the IETF draft's `RateLimit` and `RateLimit-Policy`."""
    reset = datetime.fromtimestamp(verdict.reset_us / 1e6, tz=UTC)
    policies = [f'"minute";q={limits.per_minute};w=60']
    if limits.burst:
        policies = [f'"burst";q={limits.burst};w={math.ceil(60 * limits.burst / limits.per_minute)}']
    if limits.per_hour:
        policies.append(f'"hour";q={limits.per_hour};w=3600')
    if limits.per_day:
        policies.append(f'"day";q={limits.per_day};w=86400')
    name = {HOUR_FULL: "hour", DAY_FULL: "day"}.get(verdict.outcome, "burst" if limits.burst else "minute")
    seconds = max(0, math.ceil(reset.timestamp() - datetime.now(UTC).timestamp()))
    return {
        "X-RateLimit-Limit": str(verdict.limit),
        "X-RateLimit-Remaining": str(verdict.remaining),
        "X-RateLimit-Reset": reset.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "RateLimit": f'"{name}";r={verdict.remaining};t={seconds}',
        "RateLimit-Policy": ", ".join(policies),
    }
