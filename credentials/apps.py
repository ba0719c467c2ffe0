from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class CredentialsConfig(AppConfig):
    name = "credentials"

    def ready(self) -> None:
        autodiscover_modules("tasks", "client_parts")
