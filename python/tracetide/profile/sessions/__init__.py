"""Requests that belong together: conversations and agents."""

from tracetide.profile.sessions import agents
from tracetide.profile.sessions.build import add_sessions, with_sessions
from tracetide.profile.sessions.models import ServiceTime, Sessions, SubAgent, Tool, User, conversations

__all__ = [
    "ServiceTime",
    "Sessions",
    "SubAgent",
    "Tool",
    "User",
    "add_sessions",
    "agents",
    "conversations",
    "with_sessions",
]
