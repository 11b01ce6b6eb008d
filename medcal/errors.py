"""Refusals that happen on a good day: each names what is true, has an HTTP status and a sentence for the reader."""

from medcal.i18n import t


class MedcalError(Exception):
    """A refusal that the person at the screen may read: what is so, and what to do next."""

    status = 400

    def __init__(self, sentence: str | None = None):
        super().__init__(sentence or self.sentence())

    def sentence(self) -> str:
        return t("That did not work.")


class Invalid(MedcalError):
    """Something in the form does not fit; `field` names it, the sentence says how to mend it."""

    status = 422

    def __init__(self, sentence: str, field: str = ""):
        super().__init__(sentence)
        self.field = field


class InvalidForm(MedcalError):
    """Several things in a form do not fit: field → sentence."""

    status = 422

    def __init__(self, problems: dict[str, str]):
        super().__init__(" ".join(problems.values()))
        self.problems = problems


class NotFound(MedcalError):
    status = 404

    def sentence(self) -> str:
        return t("We cannot find that.")


class NotAllowed(MedcalError):
    status = 403

    def sentence(self) -> str:
        return t("You are not allowed to do that.")


class SignedOut(MedcalError):
    status = 401

    def sentence(self) -> str:
        return t("Please sign in.")


class SlotTaken(MedcalError):
    status = 409

    def sentence(self) -> str:
        return t("Somebody was faster: this time has just been taken. Please choose another.")


class NotOffered(MedcalError):
    """A time that no list has ever shown: outside the hours, in the past, too soon, closed."""

    status = 409

    def sentence(self) -> str:
        return t("This time cannot be booked. Please choose one from the list.")


class HoldExpired(MedcalError):
    status = 410

    def sentence(self) -> str:
        return t("We could not hold this time any longer. Please choose a time again; your details are still here.")


class TooLate(MedcalError):
    """The deadline of the clinic for changes on the web has passed."""

    status = 409

    def sentence(self) -> str:
        return t("It is too late to change this appointment here. Please call us.")


class ChangedMeanwhile(MedcalError):
    """Somebody else changed the same thing first; the screen shows the new state."""

    status = 409

    def sentence(self) -> str:
        return t("Somebody else has changed this in the meantime. You now see the latest state; please try again.")


class NotPossibleNow(MedcalError):
    """The appointment is in a state from which this step makes no sense (a cancelled one cannot be moved)."""

    status = 409

    def sentence(self) -> str:
        return t("That is no longer possible for this appointment.")


class OfferClosed(MedcalError):
    status = 410

    def sentence(self) -> str:
        return t("This offer has ended. You keep your appointment and your place on the list.")


class OfferTaken(OfferClosed):
    """Several were asked at once, and somebody else of them answered first."""

    def sentence(self) -> str:
        return t("Somebody else answered first. You keep your appointment and your place on the list.")


class LinkExpired(MedcalError):
    status = 410

    def sentence(self) -> str:
        return t("This link no longer works. Ask for a new one with your e-mail address.")


class TooManyTries(MedcalError):
    status = 429

    def sentence(self) -> str:
        return t("Too many tries. Please wait a few minutes and try again.")


class TooManyVisits(MedcalError):
    """As many visits as one person may book by herself are still to come."""

    status = 429

    def sentence(self) -> str:
        return t("Several visits are already booked under this address or number. Please call us for another one.")


class ProofRefused(MedcalError):
    """A stranger's browser has not done the moment of computing that comes before, or not for this."""

    status = 403

    def sentence(self) -> str:
        return t("Your browser has not finished its check that you are not a machine. Please send the form once more.")


class SignInRefused(MedcalError):
    status = 401

    def sentence(self) -> str:
        return t("E-mail address or password is wrong.")


class CodeRefused(MedcalError):
    """A code of the second step that is wrong, too old, or was used before."""

    status = 401

    def sentence(self) -> str:
        return t("This code is not right, or it has been used. Please take the next one.")
