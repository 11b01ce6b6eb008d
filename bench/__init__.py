"""How fast Medcal is, beside what. See docs/bench.md."""
