"""The real scheduler; what it does at its leisure in a clinic it does every second here."""

from datetime import timedelta

from medcal import scheduler

AT_LEISURE = {"release lapsed holds", "expire offers", "sweep freed time", "plan reminders"}

if __name__ == "__main__":
    scheduler.PERIODIC = tuple(
        work._replace(every=timedelta(seconds=1)) if work.name in AT_LEISURE else work for work in scheduler.PERIODIC
    )
    scheduler.main()
