"""`make bench`: how fast log-sentinel is beside the programs one would otherwise use, as ratios within one run.

`files` makes the logs, `programs` says what is run over them and how to tell a right answer, `measuring` runs one
program once, `rounds` lets them take turns, `report` prints medians and ratios, `bars` what must be reached.
"""
