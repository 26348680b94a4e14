"""What is measured of a trace in a stream, in bounded memory: gaps, sums over intervals, distributions.

`source` opens whatever has requests, the others are accumulators that take its pieces, and distances.
"""
