"""Functions in a process of their own: asked one after the other, so that each is paid for in CPU alone.

`python -m benchmarks.remote MODULE` reads lines of JSON, `[function, {keyword: value}]`, and answers each
with a line: what the function of that module returned. Only the standard library is imported here, since
peers run it with their own packages.
"""

import importlib
import json
import sys


def main(name: str) -> None:
    module = importlib.import_module(name)
    for line in sys.stdin:
        function, keywords = json.loads(line)
        print(json.dumps(getattr(module, function)(**keywords)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
