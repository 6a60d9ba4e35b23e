"""The bench: what the bridge costs, as ratios to the least that the same machine could do in the same run.

`python -m bench --help` says how to run it, docs/performance.md has the figures.
"""
