"""Coverage-guided fuzzing of what reads strangers' bytes: the gate and the parsers beside it."""
