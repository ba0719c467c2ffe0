"""A person is signed in without the form; test_keys.py is about the form."""

from django.conf import settings
from django.test import Client
from playwright.sync_api import Page

from tests.factories import Person


def sign_in(page: Page, person: Person) -> None:
    """Give the tab's browser a session of this person."""
    client = Client()
    client.force_login(person.user)
    name = settings.SESSION_COOKIE_NAME
    page.context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": settings.HUB_URL}])
