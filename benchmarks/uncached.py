"""Our application with catalogue answers that are made anew for each request. Only for the benchmark."""

from typing import Any

import config.wsgi
from catalog import answers


class _Forgetful(dict[Any, Any]):
    def __setitem__(self, key: Any, value: Any) -> None:
        """Keeps nothing."""


answers._kept = _Forgetful()
application = config.wsgi.application
