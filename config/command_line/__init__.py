"""`hub`: the shell's door to clients, keys, the request log and deliveries (docs/command-line.md)."""
