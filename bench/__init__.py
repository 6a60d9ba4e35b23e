"""The bench: what the bridge costs, as ratios against the least that the same machine could do in the same run.

`python -m bench --help` says how it is run, docs/performance.md what it found.
"""
