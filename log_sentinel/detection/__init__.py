"""What is far more than usual. In: counts per minute. Out: `Spike`s. Pure: the time is an argument."""
