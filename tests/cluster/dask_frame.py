"""A job as a Dask data frame."""

from __future__ import annotations

import json
import sys
from itertools import pairwise

import pyarrow as pa
import tracetide.dask
from jobs import job, same, with_lists


def main() -> None:
    made = job(sys.argv[1])
    frame = tracetide.dask.from_job(made, npartitions=6)
    whole = frame.compute(scheduler="processes", num_workers=2)
    hour = frame.loc[3600.0:7200.0].compute(scheduler="threads")
    expected = whole.loc[3600.0:7200.0]
    divided = all(
        whole.loc[start:end].index[0] == frame.partitions[i].compute(scheduler="threads").index[0]
        for i, (start, end) in enumerate(pairwise(frame.divisions))
    )
    items = tracetide.dask.from_job(with_lists()).compute(scheduler="threads")
    try:
        tracetide.dask.from_job(made, npartitions=25)
        refused = ""
    except ValueError as error:
        refused = str(error)
    print(
        json.dumps(
            {
                "rows": len(frame),
                "columns": [frame.index.name, *frame.columns],
                "equal": same(pa.Table.from_pandas(whole.reset_index(), preserve_index=False), made)
                and hour.equals(expected)
                and divided,
                "lists_equal": same(
                    pa.Table.from_pandas(items.reset_index(), preserve_index=False), with_lists()
                ),
                "refused": refused,
            }
        )
    )


if __name__ == "__main__":
    main()
