"""What is shown of a log when a step fails."""

from pathlib import Path

from tools.say import last_lines

PARTING = """Exception ignored in: <function cached_property.delete_properties at 0x7f58225e0fe0>
Traceback (most recent call last):
  File "base.py", line 2251, in delete_properties
AttributeError: 'NoneType' object has no attribute 'pop'
"""


def test_the_reason_is_seen_and_not_what_python_says_while_it_shuts_down(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_text("Compiling\n" + PARTING + "\nInvalid selector in line 412\n" + 30 * PARTING)

    assert last_lines(log).splitlines()[1:] == ["    Compiling", "    Invalid selector in line 412"]


def test_an_error_that_ended_the_step_stays(tmp_path: Path) -> None:
    log = tmp_path / "build.log"
    log.write_text("Traceback (most recent call last):\n  File\nValueError: no\n" + PARTING.rstrip())

    assert last_lines(log).splitlines()[1:] == [
        "    Traceback (most recent call last):",
        "      File",
        "    ValueError: no",
    ]


def test_a_log_that_is_not_there_says_so(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none.log").splitlines()[1:] == ["    (nothing)"]
