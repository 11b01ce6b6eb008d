"""Every field for a password is covered, and says to password managers which one it wants."""

import re

import pytest

from medcal.pages import account, new_password, sign_in

PAGES = {"sign-in": sign_in, "new password": new_password, "account": account}
SECRET = re.compile(r'name:"(?:password|current|password_again)"')


@pytest.mark.parametrize("name", PAGES)
def test_a_password_is_typed_covertly_and_by_a_password_manager_too(name: str) -> None:
    fields = [
        field for field in re.findall(r'jsx\("input",\{([^}]*)\}', str(PAGES[name].page())) if SECRET.search(field)
    ]

    assert fields
    for field in fields:
        assert 'type:"password"' in field
        assert re.search(r'autoComplete:"(?:current|new)-password"', field)
        assert "onPaste" not in field
