"""Where bytes come from. In: files, pushes, streams. Out: `Lines`."""
