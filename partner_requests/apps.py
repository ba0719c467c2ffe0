from django.apps import AppConfig


class PartnerRequestsConfig(AppConfig):
    name = "partner_requests"
