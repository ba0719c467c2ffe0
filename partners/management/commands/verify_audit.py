"""Check the audit trail's chains: exit code 1 when an entry was changed, removed or slipped in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config import tenancy
from partners.selectors import audit_chains


class Command(BaseCommand):
    """Prints each chain's length and head; keep the heads elsewhere to notice a chain made anew."""

    help = "Verify the hash chains of the audit trail."

    def handle(self, *args: Any, **options: Any) -> None:
        with tenancy.operator():
            chains = audit_chains()
        for chain in chains:
            state = "ok" if chain.broken_at is None else f"BROKEN at entry {chain.broken_at}"
            self.stdout.write(f"{chain.name:30} {chain.length:8} entries  {chain.head[:16]}…  {state}")
        broken = [chain.name for chain in chains if chain.broken_at is not None]
        if broken:
            raise CommandError(f"The audit trail was tampered with: {', '.join(broken)}.")
