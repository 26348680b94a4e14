"""Of numbers alone: histograms, weighted points, distances. Nothing here knows what is measured."""
