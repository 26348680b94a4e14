"""Data sets: a folder of Parquet files that is complete or says that it is not.

`partition` cuts a job into parts, `parts` writes them, `folder` is where they go, `records` and `manifest`
say what has been written, `verify` whether it still is, `writing` brings them together, and `engines` are who
does the work. Every file depends only on the job and the partition.
"""

from tracetide.job.dataset.writing import DatasetWritten, write_dataset

__all__ = ["DatasetWritten", "write_dataset"]
