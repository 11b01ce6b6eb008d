"""What stands between Medcal and a hostile browser: who may call what, with what, how often, under which headers."""
