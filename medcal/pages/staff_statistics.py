"""What offers achieve, for admins: how much freed time is filled, how fast, at what cost, and who is left out."""

import reflex as rx

from medcal import routes
from medcal.components.desk import nothing_found, segments
from medcal.components.figures import bar, figure, figures, figures_row, figures_table
from medcal.components.ui import skeleton_rows
from medcal.i18n import t, tn
from medcal.pages.staff_frame import for_admins, staff_framed
from medcal.state.staff_statistics import PERIODS, StaffStatisticsState
from medcal.viewmodels.staff_statistics import FillRow, FillTable, ReachRow, ReachTable


def page() -> rx.Component:
    periods = [(str(days), tn("{count} day", "{count} days", days)) for days in PERIODS]
    state = StaffStatisticsState
    return staff_framed(
        rx.el.h1(t("Statistics"), class_name="page-head"),
        for_admins(
            rx.cond(
                state.is_loaded,
                rx.el.div(
                    rx.el.div(segments(t("How far back"), periods, state.days, state.choose), class_name="row"),
                    rx.cond(state.sheet.has_any, _sheet(), nothing_found(t("No time became free, and nobody waited."))),
                    class_name="stack-wide",
                ),
                skeleton_rows(6),
            ),
        ),
        path=routes.STAFF_STATISTICS,
    )


def _sheet() -> rx.Component:
    sheet = StaffStatisticsState.sheet
    return rx.fragment(_headline(), _fills(sheet.fills), _reached(sheet.reached))


def _headline() -> rx.Component:
    sheet = StaffStatisticsState.sheet
    total = sheet.total
    return rx.el.section(
        figures(
            figure(t("Filled by offers"), total.share, rx.el.span(sheet.filled)),
            figure(t("Used in any way"), sheet.used, rx.el.span(t("by offers, the public or the desk"))),
            figure(t("Time to fill"), total.to_fill, rx.el.span(t("half of them were faster"))),
            figure(t("Seen earlier by"), total.gained, rx.el.span(t("half of them by more"))),
            figure(t("Offers per filled time"), total.per_fill, rx.el.span(t("those that came to nothing included"))),
        ),
        rx.foreach(sheet.notes, lambda note: rx.el.p(note, class_name="small soft")),
        aria_label=t("All freed times"),
        class_name="stack-tight",
    )


# --- What became of freed time ----------------------------------------------------------------------------------------


def _fills(tables: rx.Var[list[FillTable]]) -> rx.Component:
    marks = [(1, t("filled by an offer")), (2, t("booked by the public or the desk")), (0, t("lost"))]
    return rx.el.section(
        rx.el.h2(t("What became of freed time"), id="fills"),
        rx.el.ul(
            *[
                rx.el.li(rx.el.span(class_name=f"share-mark share-{place}", aria_hidden="true"), name)
                for place, name in marks
            ],
            class_name="legend",
            aria_label=t("What the colours mean"),
        ),
        rx.foreach(tables, _fill_table),
        aria_labelledby="fills",
        class_name="stack",
    )


def _fill_columns() -> list[str]:
    return [
        *(t("Freed times"), t("Filled by offers"), t("Booked by the public"), t("Booked by the desk"), t("Lost")),
        *(t("Time to fill"), t("Seen earlier by"), t("Offers per fill")),
    ]


def _fill_table(table: rx.Var[FillTable]) -> rx.Component:
    rows = rx.foreach(table.rows, _fill_row)
    return figures_table(table.title, [t("Which"), *_fill_columns()], rows)


def _fill_row(row: rx.Var[FillRow]) -> rx.Component:
    share = rx.el.span(
        rx.el.span(row.by_offer, " · ", rx.el.strong(row.share)),
        bar(row.offer_width, row.other_width),
        class_name="with-share",
    )
    content = [row.freed, share, row.by_public, row.by_desk, row.lost, row.to_fill, row.gained, row.per_fill]
    return figures_row(row.name, list(zip(_fill_columns(), content, strict=True)))


# --- Who is left out --------------------------------------------------------------------------------------------------


def _reached(tables: rx.Var[list[ReachTable]]) -> rx.Component:
    return rx.el.section(
        rx.el.h2(t("Who is left out"), id="reached"),
        rx.el.p(
            t("Of the people who waited in this time: how many were asked, and how many of those took a time."),
            class_name="small soft",
        ),
        rx.cond(
            tables.length() > 0,
            rx.el.div(rx.foreach(tables, _reach_table), class_name="stack"),
            nothing_found(t("Nobody waited.")),
        ),
        aria_labelledby="reached",
        class_name="stack",
    )


def _reach_columns() -> list[str]:
    return [t("Waited"), t("Were asked"), t("Took a time"), t("Offers without an answer")]


def _reach_table(table: rx.Var[ReachTable]) -> rx.Component:
    return figures_table(table.title, [t("Who"), *_reach_columns()], rx.foreach(table.rows, _reach_row))


def _reach_row(row: rx.Var[ReachRow]) -> rx.Component:
    asked = rx.el.span(
        rx.el.span(row.asked, " · ", rx.el.strong(row.share_asked)), bar(row.asked_width), class_name="with-share"
    )
    accepted = rx.el.span(row.accepted, " · ", row.share_accepted)
    content = [row.waited, asked, accepted, row.share_unanswered]
    return figures_row(row.name, list(zip(_reach_columns(), content, strict=True)))
