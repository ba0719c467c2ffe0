"""An organization and its keys, made by the services that make real ones.

`python -m benchmarks.tenant NAME KEYS`, with the hub's settings in the environment, prints JSON.
"""

import json
import sys

import django

django.setup()

from config import tenancy  # noqa: E402 (needs the app registry)
from config.tenancy import Environment  # noqa: E402
from credentials.scopes import PARTNER_SCOPES  # noqa: E402
from credentials.services.keys import key_issue  # noqa: E402
from partners.models import Tier  # noqa: E402
from partners.services.audit import Actor  # noqa: E402
from partners.services.organizations import organization_create  # noqa: E402

ACTOR = Actor("benchmarks")


def tenant_create(name: str, keys: int) -> dict[str, object]:
    """An organization with `keys` keys of the enterprise tier, and one of a single request a minute."""
    organization = organization_create(name=name, actor=ACTOR)
    with tenancy.operator():
        issued = [
            key_issue(
                organization_id=organization.id,
                environment=Environment.SANDBOX,
                name=f"{name} {number}",
                scopes=PARTNER_SCOPES,
                actor=ACTOR,
                requests_per_minute=None if number else 1,
                tier=Tier.ENTERPRISE,
            )
            for number in range(keys + 1)
        ]
    slow, *quick = (key.raw for key in issued)
    return {"organization_id": str(organization.id), "keys": quick, "slow_key": slow}


if __name__ == "__main__":
    json.dump(tenant_create(sys.argv[1], int(sys.argv[2])), sys.stdout)
