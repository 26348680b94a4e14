"""Clients by hand in a file: TOML or YAML, checked against a schema, with errors that name line and key."""

from tracetide.profile.workload.load import json_schema, load_workload

__all__ = ["json_schema", "load_workload"]
