"""`manage.py texts`: gather the texts of the code, and show what each catalogue still lacks."""

import subprocess

from tools.packages import install_packages
from tools.places import PYTHON, ROOT
from tools.processes import Family

LOCALE = ROOT / "medcal" / "locale"
TEMPLATE = LOCALE / "messages.pot"
LANGUAGES = ["de"]
KEYWORDS = ["-k", "t", "-k", "tn:1,2", "-k", "n_"]
HEADER = ["--project", "Medcal", "--copyright-holder", "Medcal contributors", "--msgid-bugs-address", ""]


def texts(_: list[str]) -> None:
    """Texts that are new wait untranslated; those whose English changed keep their old translation, marked fuzzy."""
    with Family() as family:
        install_packages(family)
    _babel("extract", *KEYWORDS, *HEADER, "--no-location", "--sort-output", "-o", TEMPLATE, "medcal")
    for code in LANGUAGES:
        step = "update" if (LOCALE / code).exists() else "init"
        _babel(
            step,
            "-i",
            TEMPLATE,
            "-d",
            LOCALE,
            "-l",
            code,
            *(["--no-wrap", "--ignore-obsolete"] if step == "update" else ["--no-wrap"]),
        )
        source = LOCALE / code / "LC_MESSAGES" / "messages.po"
        _babel("compile", "-i", source, "-l", code, "--statistics", "-o", "/dev/null")


def _babel(*arguments: object) -> None:
    command = [str(PYTHON), "-c", "from babel.messages.frontend import main; main()", *map(str, arguments)]
    subprocess.run(command, cwd=ROOT, check=True)
