"""The demo behind `make run`: two made-up gateways write logs, the real daemon watches them.

What is written is a function of the seed and the minute, so that a run can be repeated and tested: `world` has the
ordinary traffic, `disturbances` what goes wrong, `playing` puts both into the logs, `watching` starts the daemon.
"""
