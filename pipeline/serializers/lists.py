"""What narrows the pipeline's lists, and the history that each answer of one thing has."""

from datetime import date
from typing import Any

from rest_framework import serializers

from config.api.pagination import ListQuery
from leads.serializers import CURRENCIES

MAX_REASON = 500


class PipelineQuery(ListQuery):
    """What narrows every list of the pipeline."""

    leadId = serializers.UUIDField(required=False)
    agentId = serializers.UUIDField(required=False)


class ReasonIn(serializers.Serializer):
    """Why."""

    reason = serializers.CharField(max_length=MAX_REASON)


class ReasonMaybe(serializers.Serializer):
    """Why, where it is known."""

    reason = serializers.CharField(max_length=MAX_REASON, allow_blank=True, default="")


class NothingIn(serializers.Serializer):
    """A step that takes nothing."""


class ChangeOut(serializers.Serializer):
    """An entry of a history; `before` and `after` hold the fields that changed."""

    action = serializers.CharField()
    at = serializers.DateTimeField()
    actor = serializers.CharField()
    before = serializers.DictField()
    after = serializers.DictField()


class CurrencyIn(serializers.CharField):
    """An ISO 4217 code, in capitals whatever was sent."""

    def to_internal_value(self, data: Any) -> str:
        code = super().to_internal_value(data).upper()
        if code not in CURRENCIES:
            raise serializers.ValidationError(["This is not an ISO 4217 currency."])
        return code


class DayIn(serializers.DateField):
    """A day that people may mean."""

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not 2000 <= day.year <= 2300:
            raise serializers.ValidationError(["Choose a day between the years 2000 and 2300."])
        return day
