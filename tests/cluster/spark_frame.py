"""A job as a Spark data frame."""

from __future__ import annotations

import json
import sys

import tracetide.spark
from jobs import job, same, with_lists
from pyspark.sql import SparkSession

spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
made = job(sys.argv[1])
frame = tracetide.spark.read(spark, made, partitions=6)
try:
    tracetide.spark.read(spark, made, partitions=25)
    refused = ""
except ValueError as error:
    refused = str(error)
print(
    json.dumps(
        {
            "rows": frame.count(),
            "columns": frame.columns,
            "equal": same(frame.toArrow(), made),
            "lists_equal": same(tracetide.spark.read(spark, with_lists()).toArrow(), with_lists()),
            "refused": refused,
        }
    )
)
spark.stop()
