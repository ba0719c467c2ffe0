"""What the benchmark's job types are called; free of Django, for the processes that only ask."""

EMPTY = "benchmark.empty"
PAUSE = "benchmark.pause"
