"""A channel application that is right, and a way to make it wrong for every rule that `linnworks-bridge check` has."""
