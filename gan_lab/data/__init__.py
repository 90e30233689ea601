"""Data: what the players see, as Lightning data modules with one keyed, endless stream."""
