"""Profiles: what clients do over time, and everything that makes, narrows or reshapes them.

`pool` is the handle on one, `load` finds one, `handmade` and `workload` describe clients, `sessions` and
`prompts` say how requests belong together, `analysis` looks into a pool and narrows it, `reshape` makes other
pools of it, `bundled` are those that come along.
"""
