"""A profile as the beginning of another."""

from __future__ import annotations

import numpy as np

from tracetide import _core


def builder_like(profile: _core.Profile, metadata: str) -> _core.ProfileBuilder:
    """A builder of the same category, grid and counts, without clients."""
    return _core.ProfileBuilder(
        profile.category,
        window_ns=profile.window_ns,
        windows=profile.windows,
        epoch_ns=profile.epoch_ns,
        epochs=profile.epochs,
        default_counts=profile.default_counts,
        metadata=metadata,
    )


def copy_of(profile: _core.Profile) -> _core.ProfileBuilder:
    """A builder with all that a profile has."""
    builder = builder_like(profile, profile.metadata)
    clients = np.arange(profile.clients, dtype=np.uint32)
    builder.add_clients(profile, clients, profile.client_names, np.ones(profile.clients))
    return builder
