"""A trace gone through once, piece by piece: its clients as codes, its windows, the resolution of times."""
