"""`manage.py test`: the checks and all tests, each with its own line, closed by the sum."""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tools import audit, database
from tools.bun import install_bun
from tools.chromium import find_chromium
from tools.frontend import build, site
from tools.n8n_install import install as install_n8n
from tools.oidc_provider import install as install_provider
from tools.packages import install_packages
from tools.places import HOME, LOGS, PYTHON, ROOT, environment
from tools.processes import Child, Command, Family
from tools.proxies import install as install_proxies
from tools.say import Step, Stop, last_lines

DATABASE = HOME / "test-postgres"
IN_BROWSER = "tests/e2e"
# Not part of everything: pyproject.toml leaves them out.
WITH_N8N = "tests/n8n"
WITH_PROXIES = "tests/proxies"
CHECKS = {
    "Style (ruff)": ["-m", "ruff", "check", "--output-format", "concise"],
    "Format (ruff)": ["-m", "ruff", "format", "--check", "--output-format", "concise"],
    "Types (mypy)": ["-m", "mypy"],
    "Imports go down only (import-linter)": ["-c", "from importlinter.cli import lint_imports_command as run; run()"],
}
# What is set for a clinic is nothing that its tests may touch or depend on.
NOT_FOR_TESTS = ("DATABASE_URL", "MEDCAL_PORT", "MEDCAL_URL", "REDIS_URL")
FAMILIES_NOT_FOR_TESTS = ("AUDIT_", "N8N_", "OIDC_", "SMTP_", "SMS_", "WEBHOOK_")
# Each worker has databases of its own, in a browser also a clinic; a file stays together, a slow journey holds up no other.
# Files go out in the order of tests/conftest.py: xdist's own, by the number of tests, has those begin last that are one long test.
WORKERS = min(os.cpu_count() or 1, 4)
SIDE_BY_SIDE = {
    "tests": ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"],
    IN_BROWSER: ["-n", str(WORKERS), "--dist", "worksteal"],
}
# Exit codes of pytest.
INTERRUPTED, NO_TESTS = 2, 5


def test(arguments: list[str]) -> int:
    """Run everything, or the part that is asked for; 1 if anything failed or nothing was tested."""
    part = _part(arguments)
    began = time.monotonic()
    with Family("test") as family:
        install_packages(family)
        results = _run(family, part)
    print(f"\n{time.monotonic() - began:.0f} s in all.\n{_sum(results)}", flush=True)
    return 1 if results["failed"] or not results["passed"] + results["checks"] else 0


@dataclass(frozen=True)
class Part:
    """What to run: paths below tests/ and options for pytest; with neither, everything."""

    paths: list[str]
    options: list[str]
    checks: bool = False

    @property
    def is_all(self) -> bool:
        return not (self.paths or self.options or self.checks)

    def options_for(self, what: str) -> list[str]:
        """Everything runs side by side; a part is over before the workers have started."""
        return SIDE_BY_SIDE[what] if self.is_all and WORKERS > 1 else self.options

    @property
    def outside_browser(self) -> list[str]:
        if self.paths or self.checks:
            return [path for path in self.paths if not path.startswith(IN_BROWSER)]
        return ["tests", f"--ignore={IN_BROWSER}"]

    @property
    def in_browser(self) -> list[str]:
        if self.paths or self.checks:
            return [path for path in self.paths if path.startswith(IN_BROWSER)]
        return [IN_BROWSER]


def _part(arguments: list[str]) -> Part:
    """`e2e -x -k held` are the browser tests with "held" in their names, until the first fails."""
    parser = argparse.ArgumentParser(prog="manage.py test", epilog="All other options go to pytest.")
    parser.add_argument(
        "what",
        nargs="*",
        help="checks, a folder of tests (unit, services, e2e, n8n, proxies …), or a path below tests/",
    )
    parser.add_argument("-k", metavar="EXPRESSION", help="only tests whose names match")
    known, others = parser.parse_known_intermixed_args(arguments)
    words = [word for word in known.what if word != "checks"]
    paths = [f"tests/{word}" if (ROOT / "tests" / word).is_dir() else word for word in words]
    return Part(paths, [*(["-k", known.k] if known.k else []), *others], checks="checks" in known.what)


def _run(family: Family, part: Part) -> Counter[str]:
    results = Counter[str]()
    in_browser = part.in_browser if part.is_all or _matches(part) else []
    # Beside the checks: each uses one core.
    building = _start_building(family) if in_browser else None
    if part.is_all or part.checks:
        results += _run_checks(family)
    if not part.outside_browser and not building:
        return results
    if any(path.startswith(WITH_N8N) for path in part.outside_browser):
        install_n8n(family)
    behind_proxies = any(path.startswith(WITH_PROXIES) for path in part.outside_browser)
    database.forget_if_crowded(DATABASE)
    env = _environment(database.urls_of(database.start_postgres(family, DATABASE, *database.FORGETFUL)))
    if behind_proxies:
        install_proxies(family)
        install_bun(family)
        env |= {"TEST_SITE": str(build(family)), "TEST_CHROMIUM": str(find_chromium(family))}
    if part.outside_browser:
        print("\nTests without a browser", flush=True)
        results += _pytest(family, [*part.outside_browser, *part.options_for("tests")], env)
    if building:
        results += _run_in_browser(family, building, [*in_browser, *part.options_for(IN_BROWSER)], env)
    return results


def _matches(part: Part) -> bool:
    """Whether the part has tests for the browser, which take a build to run."""
    if not part.in_browser or not part.options:
        return bool(part.in_browser)
    command: Command = [PYTHON, "-m", "pytest", "--collect-only", "-q", *part.in_browser, *part.options]
    return subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True).returncode != NO_TESTS


def _run_checks(family: Family) -> Counter[str]:
    results = Counter[str]()
    for label, command in CHECKS.items():
        log = LOGS / "check.log"
        try:
            family.run(label, [PYTHON, *command], log=log, advice="")
            results["checks"] += 1
        except Stop:
            print(log.read_text())
            results["failed"] += 1
    return results + _audit()


def _audit() -> Counter[str]:
    """A known hole in a package fails the run; that nobody could be asked does not."""
    found, silence = list[audit.Hole](), ""
    with Step("Known holes in packages (OSV)"):
        try:
            found = audit.holes()
        except audit.Unreachable as reason:
            silence = f"    They were not asked about: {reason}"
    for line in (silence, *(f"    {hole}" for hole in found)):
        if line:
            print(line)
    return Counter(failed=1) if found else Counter(skipped=1) if silence else Counter(checks=1)


def _start_building(family: Family) -> Child:
    return family.start([sys.executable, ROOT / "manage.py", "build"], log=LOGS / "test-build.log")


def _run_in_browser(family: Family, building: Child, paths: list[str], env: dict[str, str]) -> Counter[str]:
    try:
        with Step("\nWaiting for the pages") as step:
            while building.poll() is None:
                step.tick()
                time.sleep(0.1)
            if building.returncode:
                raise Stop(last_lines(LOGS / "test-build.log", 30))
        browser = find_chromium(family)
    except Stop as reason:
        print(reason)
        return Counter(failed=1)
    _fetch_provider(family)
    print("\nTests in a browser", flush=True)
    return _pytest(family, paths, env | {"TEST_SITE": str(site()), "TEST_CHROMIUM": str(browser)})


def _fetch_provider(family: Family) -> None:
    """Without it the tests that need it are skipped, and say why."""
    try:
        install_provider(family)
    except Stop as reason:
        print(reason)


def _pytest(family: Family, arguments: list[str], env: dict[str, str]) -> Counter[str]:
    """Run pytest on our terminal and count from its report; an error counts as a failure."""
    report = HOME / "test-report.xml"
    report.unlink(missing_ok=True)
    code = family.attend([PYTHON, "-m", "pytest", "-q", f"--junitxml={report}", *arguments], env)
    results = _count(report) if report.exists() else Counter[str]()
    if code == INTERRUPTED and not results["failed"]:
        raise KeyboardInterrupt
    # pytest can also fail as a whole: a broken conftest, no test found, a crash.
    if code not in (0, NO_TESTS) and not results["failed"]:
        results["failed"] += 1
    return results


def _count(report: Path) -> Counter[str]:
    """Each test once: one that passes but cannot clean up has failed."""
    outcomes: dict[tuple[str | None, str | None], str] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = case.get("classname"), case.get("name")
        if case.find("failure") is not None or case.find("error") is not None:
            outcomes[name] = "failed"
        else:
            outcomes.setdefault(name, "passed" if case.find("skipped") is None else "skipped")
    return Counter(outcomes.values())


def _environment(urls: database.Urls) -> dict[str, str]:
    clean = {
        name: value
        for name, value in environment().items()
        if name not in NOT_FOR_TESTS and not name.startswith(FAMILIES_NOT_FOR_TESTS)
    }
    servers = {"TEST_DATABASE_ADMIN_URL": urls.owner, "TEST_DATABASE_APP_URL": urls.app}
    return clean | servers | {"MEDCAL_HOME": str(HOME / "test-home")}


def _sum(results: Counter[str]) -> str:
    """The plain closing line: `212 passed, 0 failed, 3 skipped`."""
    skipped = f", {results['skipped']} skipped" if results["skipped"] else ""
    return f"{results['passed']} passed, {results['failed']} failed{skipped}"
