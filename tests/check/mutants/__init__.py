"""A correct channel application, and for every rule of `linnworks-bridge check` a mutant of it that breaks the rule."""
