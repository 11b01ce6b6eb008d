"""Every column of every table: whether it says something about a patient, and what her erasure does to it. docs/privacy.md shows it."""

from dataclasses import dataclass
from enum import StrEnum

from sqlmodel import SQLModel

import medcal.models  # noqa: F401  (fills the metadata)


class Fate(StrEnum):
    """What becomes of a patient's data in a column when she is erased."""

    goes = "the row is deleted"
    emptied = "emptied"
    renewed = "replaced by a new random value"
    nobody = "points to a new record without a name"
    unread = "stays; what names her or is in words was sealed with her key, which is deleted"
    stays = "stays: without the person it is a figure of the clinic"
    lapses = "a digest that is deleted by itself after two days at most"


@dataclass(frozen=True)
class Table:
    """The columns of one table: those about patients by their fate, all others by name. Staff are not patients."""

    patients: dict[Fate, str]
    others: str = ""


def _none(others: str) -> Table:
    return Table({}, others)


TABLES: dict[str, Table] = {
    "patient": Table({Fate.goes: "id ref name born_on email phone language created_at"}),
    "booker": Table({Fate.goes: "id ref name email phone"}),
    "appointment": Table(
        {
            Fate.nobody: "patient_id",
            Fate.emptied: "booker_id held_by reason request cancel_reason overbooked_reason undo",
            Fate.renewed: "ref code",
            Fate.stays: "doctor_id slot_id appointment_date location_id visit_type_id starts_at ends_at busy_until status confirmed_at"
            " cancelled_at cancelled_by is_late_cancellation created_at booked_at consent_id",
        },
        "id held_until overbooked_by_id version",
    ),
    "waitlist_entry": Table(
        {
            Fate.nobody: "patient_id",
            Fate.renewed: "ref",
            Fate.stays: "appointment_id own_starts_at visit_type_id location_id doctor_id weekdays opens closes notice_hours urgency"
            " unanswered_in_row status created_at consent_id",
        },
        "id",
    ),
    "offer": Table(
        {
            Fate.nobody: "patient_id",
            Fate.renewed: "ref",
            Fate.stays: "freed_time_id entry_id hold_id place_in_group status answer_until created_at decided_at decided_by",
        },
        "id",
    ),
    "message": Table(
        {
            Fate.nobody: "patient_id",
            Fate.renewed: "ref",
            Fate.emptied: "recipient recipient_name subject text html calendar last_error far_id",
            Fate.stays: "reason kind appointment_id offer_id channel language status due_at visit_starts_at visit_doctor_id useless_at"
            " why created_at handed_over_at delivered_at",
        },
        "id staff_user_id next_try_at handover renewals tries answer_by",
    ),
    "delivery": Table(
        {Fate.emptied: "error", Fate.stays: "message_id target started_at finished_at status_code"},
        "id handover attempt",
    ),
    "access_token": Table(
        {Fate.goes: "id token_digest purpose patient_id appointment_id offer_id created_at expires_at"}
    ),
    "patient_access": Table(
        {Fate.goes: "id visit_digest patient_id appointment_id offer_id purpose created_at expires_at"}
    ),
    "one_time_code": Table(
        {Fate.goes: "id contact_digest code_digest visit_digest tries created_at expires_at used_at"}
    ),
    "throttle": Table({Fate.lapses: "name"}, "id window_starts_at tries"),
    "event": Table(
        {
            Fate.unread: "detail",
            Fate.stays: "at kind actor appointment_id doctor_id freed_time_id offer_id entry_id patient_id",
        },
        "id staff_user_id address",
    ),
    "access_record": Table(
        {Fate.stays: "at what patient_ids appointment_id doctor_id first_day last_day"},
        "id staff_user_id session_id address",
    ),
    "patient_key": Table({Fate.goes: "id patient_id secret"}),
    "freed_time": Table(
        {Fate.stays: "freed_by_id hold_id"},
        "id ref doctor_id location_id day starts_at ends_at cause visit_type_id status look_at not_before created_at ended_at ended_by",
    ),
    "job": Table({Fate.stays: "subject_id"}, "id kind status run_at tries last_error created_at done_at"),
    # The clinic and its staff
    "location": _none(
        "id ref slug name zone street city phone email hold_minutes answer_minutes quiet_from quiet_until change_deadline_hours"
        " grace_seconds feed_names"
    ),
    "specialty": _none("id ref slug name practitioner summary icon reasons position"),
    "doctor": _none(
        "id ref slug name specialty_id location_id qualification languages about practising_since is_active"
    ),
    "visit_type": _none("id ref specialty_id name length_minutes buffer_minutes notice_minutes is_active position"),
    "offer_policy": _none("id location_id visit_type_id least_lead_minutes offers_per_week unanswered_before_pause"),
    "offer_step": _none("id policy_id from_lead_hours answer_minutes group_size"),
    "reminder_rule": _none("id location_id visit_type_id before_hours holds_from"),
    "slot": _none("id doctor_id starts"),
    "opening": _none("doctor_id slot_id day specialty_id starts_at ends_at closes_at claims"),
    "working_hours": _none("id ref doctor_id weekday opens closes raster_minutes valid_from valid_until"),
    "time_off": _none("id ref doctor_id location_id starts_at ends_at reason"),
    "calendar_feed": _none("id ref doctor_id token_digest created_at created_by_id read_at revoked_at"),
    "letter_text": _none("id kind language subject brief body changed_at changed_by_id"),
    "consent_text": _none("id purpose language version digest words is_in_force written_at written_by_id"),
    "periodic_run": _none("name started_at runs"),
    "audit_seal": _none("source number row_id at sealed_with digest"),
    "audit_checkpoint": _none("source number at last_at digest sealed_with mark"),
    "audit_rule": _none("source keep_days"),
    "staff_user": _none(
        "id ref email name role doctor_id password_hash language is_active last_sign_in_at tried_often_at totp_key totp_on_at totp_step"
    ),
    "session": _none(
        "id ref cookie_digest staff_user_id created_at seen_at expires_at idle_seconds address browser needs_second_step"
    ),
    "recovery_code": _none("id staff_user_id code_digest used_at"),
    "sign_in_ticket": _none("id cookie_digest staff_user_id tries created_at expires_at"),
    "staff_link": _none("id token_digest staff_user_id purpose created_at created_by_id expires_at used_at"),
    "staff_identity": _none("id staff_user_id issuer subject linked_at signed_in_at"),
    "provider_sign_in": _none("id state_digest browser_digest next_page language created_at expires_at"),
    "provider_session": _none("id session_id identity_id sid id_token"),
    "provider_logout": _none("id jti_digest issuer sid subject issued_at forget_at"),
}


def columns_without_a_row() -> set[str]:
    """Columns that the tables have and the list above has not, or the other way round."""
    real = {f"{table.name}.{column.name}" for table in SQLModel.metadata.sorted_tables for column in table.columns}
    listed = {
        f"{name}.{column}"
        for name, table in TABLES.items()
        for columns in (table.others, *table.patients.values())
        for column in columns.split()
    }
    return real ^ listed


def fate_of(table: str, column: str) -> Fate | None:
    """What erasure does to a column; None where it holds nothing about patients."""
    fates = (fate for fate, columns in TABLES[table].patients.items() if column in columns.split())
    return next(fates, None)


def as_table() -> str:
    """The columns about patients, as docs/privacy.md shows them."""
    lines = [
        f"| {name} | {', '.join(columns.split())} | {fate} |"
        for name, table in TABLES.items()
        for fate, columns in table.patients.items()
    ]
    return "\n".join(["| table | columns | when a patient is erased |", "|---|---|---|", *lines])
