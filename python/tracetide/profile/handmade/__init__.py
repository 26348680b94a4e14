"""Clients by hand: rates over time, gaps and lengths, and the profile that they make."""

from tracetide.profile.handmade.client import Client
from tracetide.profile.handmade.curves import Daily, Linear, RateCurve, Spike, Steps, Weekly
from tracetide.profile.handmade.profile import make_profile

__all__ = ["Client", "Daily", "Linear", "RateCurve", "Spike", "Steps", "Weekly", "make_profile"]
