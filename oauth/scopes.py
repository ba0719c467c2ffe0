"""Which scopes a client may ask for: its own, of those in credentials/scopes.py."""

from typing import Any

from oauth2_provider.scopes import BaseScopes

from credentials.scopes import Scope


class ClientScopes(BaseScopes):
    """The toolkit's view of the scopes."""

    def get_all_scopes(self) -> dict[str, str]:
        return {scope.value: scope.label for scope in Scope}

    def get_available_scopes(self, application: Any = None, request: Any = None, *_: Any, **__: Any) -> Any:
        return list(Scope.values) if application is None else list(application.api_client.scopes)

    def get_default_scopes(self, application: Any = None, request: Any = None, *_: Any, **__: Any) -> Any:
        return self.get_available_scopes(application)
