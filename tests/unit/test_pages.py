"""Pages are put together when Reflex compiles them, in the language of their address: here, without compiling them."""

import pytest
import reflex as rx

from medcal.i18n import LANGUAGES, language, t
from medcal.medcal import in_language
from medcal.pages import PAGES, Page


@pytest.mark.parametrize("code", sorted(LANGUAGES))
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.route)
def test_every_page_can_be_put_together_in_every_language(page: Page, code: str) -> None:
    assert isinstance(in_language(code, page.build)(), rx.Component)


def test_a_page_is_in_its_language_whenever_it_is_put_together() -> None:
    with language("de"):
        german = t("Sign in")
        late = in_language("en", lambda: rx.text(t("Sign in")))
    built = in_language("de", lambda: rx.text(t("Sign in")))

    assert german != "Sign in"
    assert german in str(built())
    with language("de"):
        assert "Sign in" in str(late())


def test_each_page_keeps_its_parts_in_a_script_of_its_own_for_each_language() -> None:
    """What Reflex puts into one script is fetched by whoever opens any page of it: patients would load the staff's pages."""
    names = [in_language(code, page.build).__module__ for page in PAGES for code in sorted(LANGUAGES)]

    assert len({*names}) == len(PAGES) * len(LANGUAGES)
