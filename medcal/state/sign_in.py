"""The sign-in page: why the form came back, and where to go on to. Signing in itself is a form that is posted, see api/sign_in.py."""

import reflex as rx

from medcal.edge.guard import open_to
from medcal.i18n import n_, t

# The address says why in one word; see api/answers.py.
SENTENCES = {
    "refused": n_("E-mail address or password is wrong."),
    "wait": n_("Too many tries. Please wait a few minutes and try again."),
    "form": n_("Please give your e-mail address and your password."),
}


class SignInState(rx.State):
    """What the last try came to."""

    problem: str = ""
    next_page: str = ""

    @open_to("anyone")
    def load(self) -> None:
        query = self.router.url.query_parameters
        sentence = SENTENCES.get(query.get("failed", ""), "")
        self.problem = t(sentence)
        # Only carried along: the server goes on to pages of ours alone.
        self.next_page = query.get("next", "")[:200]
