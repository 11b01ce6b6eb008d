"""The sign-in page: why the form came back, and where to go on to. Signing in itself is a form that is posted, see api/sign_in.py."""

from urllib.parse import urlencode

import reflex as rx

from medcal.config import settings
from medcal.edge.guard import open_to
from medcal.i18n import current_language, n_, t
from medcal.services.passwords import Weakness
from medcal.services.passwords import sentence_of as weakness_sentence

# The address says why in one word; see api/answers.py.
SENTENCES = {
    "refused": n_("E-mail address or password is wrong."),
    "wait": n_("Too many tries. Please wait a few minutes and try again."),
    "form": n_("Please give your e-mail address and your password."),
    "code": n_("This code is not right, or it has been used. Please take the next one."),
    "late": n_("This took too long. Please sign in again."),
    "link": n_("This link no longer works. Please ask an admin of your clinic for a new one."),
    # Of the provider, see services/oidc.py.
    "provider": n_("The sign-in service did not answer as it should. Please try again in a minute."),
    "stale": n_("This sign-in took too long, or was begun in another window. Please try again."),
    "denied": n_("The sign-in was cancelled."),
    "unverified": n_("Your e-mail address is not confirmed at the sign-in service. Please confirm it there first."),
    "stranger": n_("Nobody has invited you to this clinic yet. Please ask an admin of your clinic."),
    "role": n_("Your account at the sign-in service has no role in this clinic. Please ask whoever looks after it."),
    "calendar": n_("You are to sign in as a doctor, but no calendar is yours yet. Please ask an admin of your clinic."),
    "last-admin": n_(
        "You are the last admin here, and would no longer be one. Please let somebody else become admin first."
    ),
    "disabled": n_("This account is closed. Please ask an admin of your clinic."),
}


def sentence_for(word: str, *, own: bool = False) -> str:
    """What one of the words in an address says; nothing for any other. `own`: of who is signed in already."""
    if word in set(Weakness):
        return weakness_sentence(Weakness(word))
    if own and word == "refused":
        return t("This is not your password.")
    return t(SENTENCES.get(word, ""))


class SignInState(rx.State):
    """What the last try came to."""

    problem: str = ""
    said: str = ""
    next_page: str = ""
    # What is written on the button that leads to the provider, and where it leads; empty without a provider.
    sign_in_with: str = ""
    way_there: str = ""
    has_form: bool = True

    @open_to("anyone")
    def load(self) -> None:
        query = self.router.url.query_parameters
        self.problem = sentence_for(query.get("failed", ""))
        self.said = t("Your password is set. Please sign in with it.") if query.get("done") == "password" else ""
        # Only carried along: the server goes on to pages of ours alone.
        self.next_page = query.get("next", "")[:200]
        self.has_form = settings().keeps_local_accounts
        if provider := settings().oidc:
            self.sign_in_with = t("Sign in with {name}", name=provider.name)
            wish = {"next": self.next_page} if self.next_page else {}
            self.way_there = f"/auth/oidc/start?{urlencode({'language': current_language()} | wish)}"
