"""Letters: the words of a kind with its facts and buttons, as text, as HTML and as a text message."""

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from medcal.i18n import current_language, t
from medcal.services.letter_fields import FIELDS
from medcal.services.letter_kinds import LETTERS, Actions, Facts
from medcal.services.occasions import Occasion
from medcal.services.wording import Wording, fill, our_wording, paragraphs

TEMPLATES = Path(__file__).parent.parent / "templates"


@dataclass(frozen=True)
class Letter:
    """A message in words. Text, HTML and SMS are made from it; `brief` is what an SMS says beside the subject."""

    subject: str
    greeting: str
    paragraphs: tuple[str, ...]
    facts: Facts = ()
    actions: Actions = ()
    brief: str = ""
    sender: str = ""
    footer: tuple[str, ...] = ()

    def without_actions(self) -> "Letter":
        return replace(self, actions=())

    def as_text(self) -> str:
        return _template("letter.txt", escapes=False).render(letter=self).strip() + "\n"

    def as_html(self) -> str:
        """The inner part of the mail; `framed` puts what is the same in all of them around it on the way out."""
        return _template("letter.html", escapes=True).render(letter=self)

    def as_sms(self) -> str:
        """As short as can be: who writes, what and when, and the one link that leads on."""
        link = f"{{link:{self.actions[0].purpose}}}" if self.actions else ""
        lines = (f"{self.sender}: {self.subject}", self.brief, link)
        return "\n".join(line for line in lines if line)


def framed(inner: str, *, subject: str, language: str) -> str:
    """The whole HTML of a mail. `inner` comes from `Letter.as_html` and is already escaped."""
    body = Markup(inner)  # noqa: S704  (escaped above)
    return _template("frame.html", escapes=True).render(body=body, subject=subject, language=language)


def write_letter(kind: str, occasion: Occasion, own: Wording | None = None) -> Letter:
    """The letter of a kind in the current language, in our words or in the clinic's own.

    Raises KeyError for a kind that does not exist.
    """
    form, place = LETTERS[kind], occasion.place
    wording, visit = own or our_wording(kind, current_language()), form.visit(occasion)

    def value(field: str) -> str:
        return FIELDS[field].value(occasion, visit)

    return Letter(
        subject=fill(wording.subject, value),
        greeting=t("Hello {name},", name=occasion.recipient) if occasion.recipient else t("Hello,"),
        paragraphs=tuple(fill(paragraph, value) for paragraph in paragraphs(wording.body)),
        facts=tuple((label, fact) for label, fact in form.facts(occasion) if fact),
        actions=form.actions(occasion),
        brief=fill(wording.brief, value),
        sender=place.name,
        footer=tuple(line for line in (place.name, place.address, place.phone, occasion.site) if line),
    )


@cache
def _template(name: str, *, escapes: bool) -> Template:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=escapes,  # noqa: S701  (the text part of a mail is no HTML)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    return environment.get_template(name)
