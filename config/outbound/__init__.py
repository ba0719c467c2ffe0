"""Everything the hub asks of other machines: one address policy under two transports."""
