"""How many serving instances a workload needs: a fast model of serving, and searches on it.

    import tracetide as tt

    job = tt.Job(tt.load("m-large"), rate=50, duration="10min")
    tt.provision.max_rate(job, "a100x2-14b", ttft=2.25, tbt=0.5)

`cost` and `presets` say what an instance costs, `simulation` serves, `capacity` searches rates and numbers of
instances, `grid` compares benchmarks.
"""

from tracetide.provision.capacity import MaxRate, Needed, instances_needed, max_rate
from tracetide.provision.cells import Cell
from tracetide.provision.cost import Calibration, CostModel, calibrate
from tracetide.provision.grid import Grid, grid
from tracetide.provision.instance import Instance
from tracetide.provision.presets import PRESETS, preset
from tracetide.provision.result import Latencies, ServingResult
from tracetide.provision.simulation import simulate

__all__ = [
    "PRESETS",
    "Calibration",
    "Cell",
    "CostModel",
    "Grid",
    "Instance",
    "Latencies",
    "MaxRate",
    "Needed",
    "ServingResult",
    "calibrate",
    "grid",
    "instances_needed",
    "max_rate",
    "preset",
    "simulate",
]
