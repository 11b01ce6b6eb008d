"""What stands between Medcal and a hostile browser: who may call what, with which payload, how often, and under which headers."""
