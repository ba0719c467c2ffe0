"""`migrate`, with each step drawing anew only the models that it changes.

Before every step Django draws all that is related to the model in question, in both directions and
further: with a tenant that everything refers to that is all models, some 600 times, and most of the time
that a fresh database takes. A model that is drawn anew is only missed by those that refer to it; those that
it refers to find it in the registry.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.commands.migrate import Command as DjangoCommand
from django.db.migrations.state import ProjectState

ModelKey = tuple[str, str]


def _referring(state: ProjectState, app_label: str, model_name: str, delay: bool = False) -> set[ModelKey]:
    """The model, all that refers to it by a field or as its base, all that refers to those, and so on."""
    del delay
    by_base: dict[str, set[ModelKey]] = {}
    for key, model in state.models.items():
        for base in model.bases:
            if isinstance(base, str):
                by_base.setdefault(base.lower(), set()).add(key)
    found: set[ModelKey] = set()
    waiting = {(app_label, model_name.lower())}
    while waiting:
        key = waiting.pop()
        found.add(key)
        waiting |= (state.relations.get(key, {}).keys() | by_base.get(".".join(key), set())) - found
    return found


@contextmanager
def _drawing_only_what_changes() -> Iterator[None]:
    states: Any = ProjectState
    original = states._find_reload_model
    states._find_reload_model = _referring
    try:
        yield
    finally:
        states._find_reload_model = original


class Command(DjangoCommand):
    def handle(self, *args: Any, **options: Any) -> None:
        """As Django's; the schema it makes is the same to the byte."""
        with _drawing_only_what_changes():
            super().handle(*args, **options)
