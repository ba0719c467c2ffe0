from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class WebhooksConfig(AppConfig):
    name = "webhooks"

    def ready(self) -> None:
        # enqueue() needs the tasks' names in web processes too; event types are declared by their
        # apps.
        autodiscover_modules("events", "tasks")
