"""How fast Medcal is, beside what.

    python -m bench                 all of it, on the server that DATABASE_URL names (`manage.py bench` starts one)
    python -m bench booking         bookings per second through the services, beside pgbench with the same statements
    python -m bench availability    free times of a doctor and of 200 doctors, with a million appointments in the table
    python -m bench messages        messages handed to a receiver per second, beside bare posts; bookings while the receiver hangs
    python -m bench offers          who is asked for a freed time among 10,000 who wait, and 500 times freed at once
    python -m bench sign-in         1,000 guesses from one address, and from many at one account; known accounts against unknown
    python -m bench codes           the same of one-time codes and links: guesses, and known contacts against unknown
    python -m bench proof           what proof of work costs a browser, and a robot
    python -m bench browser         a click until the page has changed; a change until the second browser shows it

Nothing of a clinic's own data is touched: each measurement makes a database and drops it. Figures go to bench/results.
"""

import importlib
import sys

MEASUREMENTS = ("booking", "availability", "offers", "messages", "sign-in", "codes", "proof", "browser")


def main(names: list[str]) -> int:
    if unknown := [name for name in names if name not in MEASUREMENTS]:
        print(__doc__)
        return 0 if unknown[0] in ("help", "-h", "--help") else 2
    for name in names or MEASUREMENTS:
        importlib.import_module(f"bench.{name.replace('-', '_')}").measure()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
