"""The ledger's promises: balances and statements of large accounts, and how many postbacks are taken in."""
