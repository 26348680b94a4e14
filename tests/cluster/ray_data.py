"""A job as a Ray data set."""

from __future__ import annotations

import json
import logging
import sys

import pyarrow as pa
import ray
import tracetide.ray
from jobs import job, same, with_lists

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
made = job(sys.argv[1])
found = tracetide.ray.read(made, parallelism=6)
table = pa.concat_tables(ray.get(found.to_arrow_refs()))
items = pa.concat_tables(ray.get(tracetide.ray.read(with_lists()).to_arrow_refs()))
try:
    tracetide.ray.read(made, parallelism=25)
    refused = ""
except ValueError as error:
    refused = str(error)
print(
    json.dumps(
        {
            "rows": found.count(),
            "columns": found.schema().names,
            "equal": same(table, made),
            "lists_equal": same(items, with_lists()),
            "refused": refused,
        }
    )
)
