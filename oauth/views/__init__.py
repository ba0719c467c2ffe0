"""The endpoints of machines: tokens, their revocation and introspection. Errors are OAuth's own JSON."""
