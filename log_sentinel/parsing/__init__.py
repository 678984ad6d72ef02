"""From bytes to frames. In: `Lines` and a format definition. Out: `ParsedLines`. Pure: no clock, disk, database or
network."""
