"""How much an instance sustains, and how many are needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tracetide.provision.instance import Instance
from tracetide.provision.result import ServingResult
from tracetide.provision.simulation import MOST_INSTANCES, checked_routing, instance_of, serve
from tracetide.provision.targets import Targets
from tracetide.provision.workload import Source, Workload, workload_of

_FEWEST_REQUESTS = 10
"""A rate at which fewer are expected says nothing."""
_MOST_REQUESTS = 20_000_000
"""More are not simulated to find a rate."""
MOST_HELD = 10_000_000
"""More are not served where all may have to be held in memory: in a closed loop, where requests go to the
instance with the fewest, and where they are divided among instances."""


@dataclass(frozen=True)
class MaxRate:
    """The largest rate that one instance sustains.

    Attributes:
        rate: requests/s; 0 where not even a rate of ten requests in the workload's duration is sustained.
        is_bound: whether the rate is the highest that could be tried (the whole trace, or 20 million
            requests): the instance sustains at least this.
        result: of serving at that rate; None for 0.
    """

    rate: float
    is_bound: bool
    result: ServingResult | None

    def instances_for(self, rate: float) -> int | None:
        """How many such instances a total rate (requests/s) takes; None where none does."""
        return math.ceil(rate / self.rate) if self.rate > 0 else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "rate": self.rate,
            "is_bound": self.is_bound,
            "result": None if self.result is None else self.result.to_dict(),
        }


@dataclass(frozen=True)
class Needed:
    """The fewest instances that keep to targets.

    Attributes:
        instances: None where no number does.
        result: of serving with so many; None for None.
    """

    instances: int | None
    result: ServingResult | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "instances": self.instances,
            "result": None if self.result is None else self.result.to_dict(),
        }


def max_rate(
    workload: Source,
    instance: Instance | str,
    *,
    ttft: float,
    tbt: float,
    quantile: float = 0.99,
    closed_loop: bool = False,
    tolerance: float = 0.01,
    thin: str = "requests",
    seed: int = 0,
) -> MaxRate:
    """The largest rate of a workload at which one instance keeps to targets.

    Rates are tried that are powers of 1 + tolerance, by bisection between one that is sustained and one that
    is not. At a rate r a job is generated anew, with the same clients, each of which sends less or more;
    below the job's own rate R, R/r times with one seed after the other, so that there are as many requests,
    of which the quantile can be told. A trace is divided at random into R/r parts, which are served one after
    the other; the whole of it is the highest rate.

    Args:
        workload: a `Job`, a `Trace`, or the path of a trace, which is read into memory.
        instance: an `Instance` or the name of a preset.
        ttft, tbt: targets in seconds.
        quantile: of all requests' TTFT and of all gaps between tokens.
        closed_loop: as for `simulate`.
        tolerance: the relative distance of rates, from 0.0001 to 1.
        thin: what a trace is divided into: `"requests"`, those of a session together, or `"clients"`.
        seed: of dividing a trace.

    Raises:
        ValueError: naming the argument, the value and what is allowed.
    """
    targets = Targets(ttft, tbt, quantile)
    found = RateSearch(
        workload_of(workload, thin=thin, seed=seed),
        instance_of(instance),
        closed_loop=closed_loop,
        tolerance=tolerance,
    )
    return found.largest(targets)


def instances_needed(
    workload: Source,
    instance: Instance | str,
    *,
    ttft: float,
    tbt: float,
    quantile: float = 0.99,
    routing: str = "round-robin",
    closed_loop: bool = False,
) -> Needed:
    """The fewest instances that serve the whole workload and keep to targets.

    Found by bisection between a number that does and one that does not, with the workload's requests routed
    to them. The arguments and errors are those of `max_rate` and `simulate`.
    """
    targets = Targets(ttft, tbt, quantile)
    return InstanceSearch(
        workload_of(workload), instance_of(instance), routing=routing, closed_loop=closed_loop
    ).fewest(targets)


class RateSearch:
    """Results by rate, each simulated once, for any number of targets."""

    def __init__(
        self, workload: Workload, instance: Instance, *, closed_loop: bool, tolerance: float
    ) -> None:
        """Nothing is simulated yet."""
        if not 1e-4 <= tolerance <= 1:
            raise ValueError(f"tolerance: {tolerance!r} is not allowed; it must be from 0.0001 to 1")
        self._workload = workload
        self._instance = instance
        self._closed_loop = closed_loop
        self._step = math.log1p(tolerance)
        self._results: dict[int, ServingResult] = {}
        lowest = _FEWEST_REQUESTS / workload.duration
        highest = min(workload.highest_rate, _MOST_REQUESTS / workload.duration)
        if lowest > highest:
            raise ValueError(
                f"workload: {highest * workload.duration:.0f} requests are not allowed; there must be at "
                f"least {_FEWEST_REQUESTS}"
            )
        self._highest_rate = highest
        self._lowest = math.ceil(math.log(lowest) / self._step)
        self._highest = max(math.ceil(math.log(highest) / self._step), self._lowest)

    def largest(self, targets: Targets) -> MaxRate:
        """The largest rate that meets targets."""
        start = min(max(0, self._lowest), self._highest)
        found = _boundary(lambda at: targets.are_met(self._at(at)), start, self._lowest, self._highest)
        if found is None:
            return MaxRate(0.0, False, None)
        return MaxRate(self._rate(found), found == self._highest, self._at(found))

    def _rate(self, number: int) -> float:
        return min(math.exp(number * self._step), self._highest_rate)

    def _at(self, number: int) -> ServingResult:
        if number not in self._results:
            self._results[number] = serve(
                self._workload.at(self._rate(number)),
                self._instance,
                instances=1,
                routing="round-robin",
                closed_loop=self._closed_loop,
            )
        return self._results[number]


class InstanceSearch:
    """Results by number of instances, each simulated once, for any number of targets."""

    def __init__(self, workload: Workload, instance: Instance, *, routing: str, closed_loop: bool) -> None:
        """Nothing is simulated yet."""
        self._workload = workload
        self._instance = instance
        self._routing = checked_routing(routing)
        self._closed_loop = closed_loop
        self._results: dict[int, ServingResult] = {}

    def fewest(self, targets: Targets) -> Needed:
        """The fewest instances that meet targets."""
        # More than one for every request that could be there at a time change nothing.
        expected = math.ceil(self._workload.rate * self._workload.duration)
        if expected > MOST_HELD and (self._closed_loop or self._routing != "round-robin"):
            raise ValueError(
                f"workload: {expected:,} requests are not allowed in a closed loop or with least-loaded "
                f"routing, which hold them in memory; there must be at most {MOST_HELD:,}, as in a shorter "
                "duration"
            )
        most = max(1, min(MOST_INSTANCES, 2 * expected))
        worst = _boundary(lambda at: not targets.are_met(self._at(at)), 1, 1, most)
        if worst == most:
            return Needed(None, None)
        number = 1 if worst is None else worst + 1
        return Needed(number, self._at(number))

    def _at(self, number: int) -> ServingResult:
        if number not in self._results:
            self._results[number] = serve(
                self._workload.whole(),
                self._instance,
                instances=number,
                routing=self._routing,
                closed_loop=self._closed_loop,
            )
        return self._results[number]


def _boundary(holds: Callable[[int], bool], start: int, lowest: int, highest: int) -> int | None:
    """A number at which `holds`, behind which it does not (or is `highest`); None where it never does.

    Steps that double lead from `start` to a number on the other side, bisection then between the two.
    """
    step = 1
    if holds(start):
        good = start
        bad = highest + 1
        while good + step <= highest:
            if not holds(good + step):
                bad = good + step
                break
            good += step
            step *= 2
    else:
        bad = start
        good = lowest - 1
        while bad - step >= lowest:
            if holds(bad - step):
                good = bad - step
                break
            bad -= step
            step *= 2
    while bad - good > 1:
        middle = (good + bad) // 2
        if holds(middle):
            good = middle
        else:
            bad = middle
    return good if good >= lowest else None
