"""Speed and memory, as ratios to baselines in the same run: `make bench`, or `python -m bench`.

Production code is measured here and never changed for it. What the figures have to be stands with each measure.
"""
