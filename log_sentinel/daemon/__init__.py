"""The running program: builds the parts, starts and stops them, carries lines from sources to commits."""
