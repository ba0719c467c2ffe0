"""Campaigns and what comes of them."""

from rewards.models.campaigns import Campaign
from rewards.models.clicks import Click
from rewards.models.conversions import (
    Conversion,
    ConversionChange,
    ConversionTally,
    ExchangeRate,
    RewardTerms,
)
from rewards.models.links import SmartLink
from rewards.models.payouts import Payee, PayoutBatch, PayoutItem, Reward

__all__ = [
    "Campaign",
    "Click",
    "Conversion",
    "ConversionChange",
    "ConversionTally",
    "ExchangeRate",
    "Payee",
    "PayoutBatch",
    "PayoutItem",
    "Reward",
    "RewardTerms",
    "SmartLink",
]
