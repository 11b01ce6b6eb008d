"""The clinic played through weeks in minutes: the real services, a scratch database, and a clock of its own. See docs/simulation.md."""
