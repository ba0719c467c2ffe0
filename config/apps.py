from django.apps import AppConfig


class HubConfig(AppConfig):
    name = "config"
    label = "hub"
