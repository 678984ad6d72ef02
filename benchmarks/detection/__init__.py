"""A benchmark of detection: made-up denials with labelled incidents, and how well a detector finds them."""
