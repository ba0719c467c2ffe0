"""`GET /v1/rewards/user` (contract C)."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from config.api.pagination import PaginationOut, paginate
from credentials.scopes import Scope
from credentials.viewsets import PartnerRequest, PartnerViewSet
from rewards.models import Reward
from rewards.selectors.user_rewards import user_rewards, user_totals
from rewards.serializers.rewards import RewardOut, RewardTotal, UserRewardsQuery


class UserRewardList(serializers.Serializer):
    """A user's rewards, the newest first, and the user's sums."""

    user_id = serializers.CharField()
    totals = RewardTotal(many=True)
    data = RewardOut(many=True)  # type: ignore[assignment]
    pagination = PaginationOut()


class UserRewardsViewSet(PartnerViewSet):
    """The rewards of the users of the key's own client."""

    queryset = Reward.objects.none()
    serializer_class = RewardOut
    scopes = {"list": Scope.REWARDS_READ}

    @extend_schema(parameters=[UserRewardsQuery], responses=UserRewardList)
    def list(self, request: PartnerRequest) -> Response:
        query = self.validated(UserRewardsQuery, request.query_params)
        user_id, client_id = query["user_id"], self.credential.client_id
        rows = user_rewards(self.organization_id, self.environment, client_id=client_id, user_id=user_id)
        if "status" in query:
            rows = rows.filter(status=query["status"])
        listed = query | {"sortBy": "created_at", "sortOrder": "desc"}
        found, pagination = paginate(rows, listed, sortable={"created_at": "created_at"})
        totals = user_totals(self.organization_id, self.environment, client_id=client_id, user_id=user_id)
        return Response(
            {
                "user_id": user_id,
                "totals": totals,
                "data": RewardOut(found, many=True).data,
                "pagination": pagination,
            }
        )
