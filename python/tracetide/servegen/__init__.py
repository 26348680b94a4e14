"""ServeGen's Python interface on tracetide's engine.

A program written for the reference code (https://github.com/alibaba/ServeGen) runs with its imports changed:

    from tracetide.servegen import Category, ClientPool
    from tracetide.servegen.construct import generate_workload

Modules, names, arguments, return types and messages are the reference's, as far as a caller can see them:
views change when they are filtered, the last request of every window is dropped, and one random number
decides all fields of a request. New programs do better with `tracetide` itself. See docs/servegen.md.
"""

from tracetide.servegen.clientpool import Client, ClientPool
from tracetide.servegen.construct import generate_workload
from tracetide.servegen.workload_types import ArrivalPat, Category

__all__ = ["ArrivalPat", "Category", "Client", "ClientPool", "generate_workload"]
