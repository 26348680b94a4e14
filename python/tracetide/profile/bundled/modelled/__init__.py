"""Profiles of the workloads that the study describes but does not publish, modelled from its description.

    python -m tracetide.profile.bundled.modelled -o FOLDER

makes exactly the bundled files. What a workload is like is in `workloads`, how a profile comes of it in
`construct`. Rates, lengths and numbers of clients are choices: the profile's provenance says of every
parameter where it is from.
"""

from tracetide.profile.bundled.modelled.construct import construct
from tracetide.profile.bundled.modelled.workloads import WORKLOADS, Workload

__all__ = ["WORKLOADS", "Workload", "construct"]
