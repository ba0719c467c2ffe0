"""`make bench`: the governed request beside its peers, in one interleaved run (docs/performance.md)."""
