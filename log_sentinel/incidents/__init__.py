"""The life of an incident. In: spikes. Out: `Happening`s. Pure: the time is an argument."""
