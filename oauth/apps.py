from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class OAuthConfig(AppConfig):
    name = "oauth"
    verbose_name = "OAuth"

    def ready(self) -> None:
        autodiscover_modules("tasks", "token_readers")
