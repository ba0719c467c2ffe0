"""`POST /partner/auth/token`: a person's short-lived access token."""

from datetime import timedelta

from drf_spectacular.utils import extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from credentials.serializers.governance import TokenIn, TokenOut
from credentials.services.tokens import LIFETIME, token_issue
from partners.sign_in import person_verify

LABEL = "signed in for the API"


class TokenViewSet(ViewSet):
    """Sign-in for programs of people: e-mail, password, and the one-time code where one is set."""

    permission_classes = (AllowAny,)
    is_public = True
    serializer_class = TokenIn
    http_method_names = ("post",)

    @extend_schema(request=TokenIn, responses=TokenOut, auth=[])
    def create(self, request: Request) -> Response:
        serializer = TokenIn(data=request.data)
        serializer.is_valid(raise_exception=True)
        user = person_verify(request=request._request, **serializer.validated_data)
        lifetime: timedelta = LIFETIME
        return Response(
            {
                "accessToken": token_issue(user=user, label=LABEL, valid_for=lifetime),
                "tokenType": "Bearer",
                "expiresIn": int(lifetime.total_seconds()),
            }
        )
