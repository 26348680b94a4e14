"""Models of prompts into profiles."""

from __future__ import annotations

from tracetide import _core
from tracetide.profile.prompts.models import Prefixes
from tracetide.profile.reshape.copying import copy_of
from tracetide.profile.sessions.laws import add_whole, law_of
from tracetide.profile.values import LARGEST
from tracetide.profile.view import ProfileView


def add_prefixes(builder: _core.ProfileBuilder, prefixes: Prefixes) -> int:
    """Add a model; returns its number."""
    return builder.add_prompt_model(
        float(prefixes.share),
        [
            (
                float(level.popularity),
                int(level.prompts),
                add_whole(builder, law_of("tokens", level.tokens), 1, LARGEST),
            )
            for level in prefixes.levels
        ],
    )


def with_prefixes(pool: ProfileView, prefixes: Prefixes | None) -> _core.Profile:
    """The pool's profile with a model of prompts for all clients, or none, instead of what they had."""
    if prefixes is not None and not isinstance(prefixes, Prefixes):
        raise ValueError(f"prefixes: {prefixes!r} is not allowed; it must be Prefixes or None")
    plain = pool.profile.without_prompts()
    if prefixes is None:
        return plain
    builder = copy_of(plain)
    model = add_prefixes(builder, prefixes)
    for client in range(plain.clients):
        builder.set_prompts(client, model)
    return builder.build()
