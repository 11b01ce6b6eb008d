"""How somebody can be reached in writing, if at all."""

import phonenumbers
from phonenumbers import PhoneNumberType


def channel_to(email: str | None, phone: str | None) -> str:
    """How somebody is reached in time: "email", "sms" to a mobile, else "call"; a landline reads nothing."""
    if email:
        return "email"
    return "sms" if phone and _takes_texts(phone) else "call"


def _takes_texts(phone: str) -> bool:
    try:
        kind = phonenumbers.number_type(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return False
    return kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE)
