"""Linnworks, the bridge and a shop, played from a seed in one process and on a virtual clock.

`schedule` draws a list of events from a seed, `play` plays them, `oracle` compares the three books at the end.
`python -m tests.simulation --seed N` plays one seed and, where it fails, shrinks it; `--minutes M` plays many.
"""
