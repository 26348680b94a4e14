"""The engine's rate noise in NumPy, one window at a time: a random distribution function for its times."""

from __future__ import annotations

import numpy as np


def cascade(rho, levels, expected, generator):
    """The masses of the leaves of a window; `rho` is a number, or one for each level."""
    masses = np.ones(1)
    for of_level in np.broadcast_to(rho, levels):
        place = generator.uniform(-1, 1, masses.size)
        if of_level > 1 / 3:
            place = np.where(generator.random(masses.size) < (3 * of_level - 1) / 2, np.sign(place), place)
            of_level = 1 / 3
        step = np.sqrt(3 * of_level) * place
        step[masses * expected < 4] = 0
        masses = np.stack([masses * (1 + step) / 2, masses * (1 - step) / 2], axis=1).ravel()
    return np.roll(masses, generator.integers(masses.size))


def positions(gaps, generator, masses=(1.0,)):
    """Ascending places in [0, 1) of requests with these gaps on the circle, warped by the masses."""
    walk = (generator.random() + np.cumsum(gaps) / np.sum(gaps)) % 1
    edges = np.append(0, np.cumsum(masses))
    warped = np.interp(np.sort(walk) * edges[-1], edges, np.linspace(0, 1, edges.size))
    return np.minimum(warped, np.nextafter(1, 0))
