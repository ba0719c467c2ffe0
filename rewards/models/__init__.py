"""Campaigns and what comes of them."""

from rewards.models.campaigns import Campaign
from rewards.models.clicks import Click
from rewards.models.links import SmartLink

__all__ = ["Campaign", "Click", "SmartLink"]
