"""Clients by hand: rates over time, gaps and lengths, and the profile that they make."""

from tracetide.handmade.client import Client
from tracetide.handmade.curves import Daily, Linear, RateCurve, Spike, Steps, Weekly
from tracetide.handmade.profile import make_profile

__all__ = ["Client", "Daily", "Linear", "RateCurve", "Spike", "Steps", "Weekly", "make_profile"]
