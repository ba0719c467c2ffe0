"""Which kinds of networks the hub can speak to; another one is another class in this list."""

from catalog.adapters.base import Access, Adapter
from catalog.adapters.trackier import Trackier

ADAPTERS: dict[str, type[Adapter]] = {adapter.name: adapter for adapter in (Trackier,)}


def adapter_of(name: str, access: Access) -> Adapter:
    """The adapter of a kind. Raises KeyError for a kind nobody wrote."""
    return ADAPTERS[name](access)
