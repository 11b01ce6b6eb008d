"""What Medcal costs, measured: `python3 manage.py bench` prints it, docs/bench.md keeps it."""
