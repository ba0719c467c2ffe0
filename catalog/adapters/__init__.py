"""How the hub speaks to affiliate networks: an adapter a network's kind (docs/catalogue.md)."""
