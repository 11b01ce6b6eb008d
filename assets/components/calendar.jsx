// The clinic's calendar: @event-calendar/core behind an interface of our own.
//
// All times are text on the clinic's wall clock, without an offset: 2026-11-23T09:00:00. The browser's zone plays no part. The library's
// own Date objects would: they stumble over the hour that the browser's clock skips in spring.
import { useEffect, useRef } from "react";
import { createCalendar, DayGrid, destroyCalendar, Interaction, ResourceTimeGrid, TimeGrid } from "@event-calendar/core";
import "@event-calendar/core/index.css";

const VIEWS = { day: "resourceTimeGridDay", week: "timeGridWeek", month: "dayGridMonth" };
// Shorter ones have room for one line, or for two.
const SHORT_MINUTES = 25;
const MEDIUM_MINUTES = 40;
const PATIENCE = 4000;
const NARROW = "(max-width: 44rem)";
const MINUTE = 60_000;

const asUtc = (wall) => Date.parse(`${wall}Z`);
const later = (wall, seconds) => new Date(asUtc(wall) + seconds * 1000).toISOString().slice(0, 19);

// What a clock in `zone` shows now.
function wallNow(zone) {
  const format = { timeZone: zone, hourCycle: "h23", dateStyle: "short", timeStyle: "medium" };
  // Swedes write dates and times as ISO 8601 does.
  return new Intl.DateTimeFormat("sv-SE", format).format(new Date()).replace(" ", "T");
}

// How far the zone's clock is from UTC now, as the library wants it: +01:00.
function offsetOf(zone) {
  const minutes = Math.round((asUtc(wallNow(zone)) - Date.now()) / MINUTE);
  const two = (number) => String(Math.floor(number)).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  // Never as HTML: names are typed by strangers.
  made.textContent = text;
  return made;
}

function seen(className, text) {
  const made = element("span", className, text);
  made.setAttribute("aria-hidden", "true");
  return made;
}

function toEvent(block) {
  const minutes = (asUtc(block.end) - asUtc(block.start)) / MINUTE;
  const classNames = ["visit", `visit-${block.kind}`];
  if (minutes < MEDIUM_MINUTES) classNames.push(minutes < SHORT_MINUTES ? "visit-short" : "visit-medium");
  if (block.is_overbooked) classNames.push("visit-overbooked");
  return {
    id: block.ref,
    resourceIds: [block.doctor],
    start: block.start,
    end: block.end,
    title: block.title,
    editable: block.can_move,
    classNames,
    extendedProps: { block },
  };
}

function toBackground(shade, index) {
  return {
    id: `shade-${index}`,
    resourceIds: [shade.doctor],
    start: shade.start,
    end: shade.end,
    display: "background",
    classNames: ["shade", `shade-${shade.kind}`],
    extendedProps: { label: shade.label },
  };
}

const toResource = (column) => ({ id: column.ref, title: column.name, extendedProps: { specialty: column.specialty } });

function contentOf({ event }) {
  const { block, label } = event.extendedProps;
  if (label) return { domNodes: [element("span", "shade-label", label)] };
  if (!block) return undefined;
  const mark = seen("visit-mark", "");
  mark.title = block.status;
  // "09:00–09:30": a month has room for the beginning alone.
  const time = seen("visit-time", block.time.slice(0, 5));
  time.append(seen("visit-until", block.time.slice(5)));
  const domNodes = [
    time,
    seen("visit-title", block.title),
    seen("visit-note", block.note),
    mark,
    element("span", "visit-spoken", block.spoken),
  ];
  if (block.waits) domNodes.splice(3, 0, seen("visit-waits", ""));
  if (block.is_overbooked) domNodes.splice(3, 0, seen("visit-over", "2×"));
  return { domNodes };
}

const labelOf = ({ resource }) => ({
  domNodes: [
    element("span", "column-name", String(resource.title)),
    element("span", "column-specialty", resource.extendedProps.specialty ?? ""),
  ],
});

// The library marks its grid up as a table whose cells are empty and whose visits stand outside of them, which helps nobody. Visits say
// in words whose they are and when; the rest is drawing.
const TABLE = "[role=table],[role=rowgroup],[role=row],[role=cell],[role=columnheader],[aria-colindex],[aria-colspan]";

function tidy(root) {
  for (const each of root.querySelectorAll(TABLE)) {
    for (const name of ["role", "aria-colindex", "aria-colspan"]) each.removeAttribute(name);
  }
  for (const each of root.querySelectorAll("aside:not([role]), .ec-bg-event:not([role])")) each.setAttribute("role", "presentation");
  // It scrolls, and on a day without visits nothing in it would take the focus.
  root.querySelector(".ec-main")?.setAttribute("tabindex", "0");
}

function keepTidy(root) {
  tidy(root);
  const observer = new MutationObserver(() => tidy(root));
  observer.observe(root, { subtree: true, childList: true, attributeFilter: ["role", "aria-colindex", "aria-colspan"] });
  return () => observer.disconnect();
}

export function DayBookCalendar(props) {
  const root = useRef(null);
  const calendar = useRef(null);
  const latest = useRef(props);
  const dragging = useRef(false);
  const waiting = useRef(null);
  latest.current = props;

  const { view, day, columns, blocks, shades, opens, closes, zone, locale, editable, answered, words } = props;

  const showEvents = () => {
    // A list that arrives during a drag would pull the block from under the hand; it is shown after the drop.
    if (dragging.current || !calendar.current) return;
    clearTimeout(waiting.current);
    const { blocks, shades, view } = latest.current;
    const backgrounds = view === "month" ? [] : shades.map(toBackground);
    calendar.current.setOption("events", [...backgrounds, ...blocks.map(toEvent)]);
  };

  const showHours = () => {
    const { opens, closes, day, zone } = latest.current;
    const now = wallNow(zone);
    // Today begins an hour ago, other days when the clinic opens.
    const anHourAgo = later(now, -3600);
    const start = now.startsWith(day) && anHourAgo.startsWith(day) && anHourAgo.slice(11) > opens ? anHourAgo.slice(11) : opens;
    calendar.current.setOption("slotMinTime", opens);
    calendar.current.setOption("slotMaxTime", closes);
    calendar.current.setOption("scrollTime", start);
  };

  useEffect(() => {
    const call = (name, ...values) => latest.current[name]?.(...values);
    const doctorOf = (resource) => resource?.id ?? latest.current.columns[0]?.ref;

    const drop = ({ event, delta, newResource, revert }) => {
      dragging.current = false;
      const { block } = event.extendedProps;
      const doctor = newResource?.id ?? block.doctor;
      if (!delta.seconds && doctor === block.doctor) return showEvents();
      // It stays where it was dropped until the server answers: a list, or the same list again (`answered`) after a refusal. Without any
      // answer it goes back by itself.
      waiting.current = setTimeout(() => { revert(); showEvents(); }, PATIENCE);
      call("onMove", block.ref, later(block.start, delta.seconds), doctor, block.version);
    };
    const pick = (start, end, resource) => doctorOf(resource) && call("onPick", start, end, doctorOf(resource));

    calendar.current = createCalendar(root.current, [ResourceTimeGrid, TimeGrid, DayGrid, Interaction], {
      view: VIEWS[view],
      date: day,
      locale,
      firstDay: 1,
      timeZone: offsetOf(zone),
      headerToolbar: { start: "", center: "", end: "" },
      buttonText: (text) => ({ ...text, close: words.close }),
      allDaySlot: false,
      nowIndicator: true,
      columnWidth: "minmax(9.5rem, 1fr)",
      slotDuration: "00:15:00",
      snapDuration: "00:05:00",
      slotLabelInterval: "01:00:00",
      slotHeight: 22,
      slotEventOverlap: false,
      slotLabelFormat: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
      eventTimeFormat: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
      dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
      views: { dayGridMonth: { dayHeaderFormat: { weekday: "short" } } },
      dayMaxEvents: true,
      moreLinkContent: ({ num }) => words.more.replace("{count}", num),
      resources: columns.map(toResource),
      resourceLabelContent: labelOf,
      events: [],
      eventContent: contentOf,
      editable,
      eventDurationEditable: false,
      selectable: editable,
      pointer: true,
      longPressDelay: 400,
      eventDragStart: () => { dragging.current = true; },
      // A drop follows at once; when there is none, the list that came meanwhile is shown.
      eventDragStop: () => setTimeout(() => { if (dragging.current) { dragging.current = false; showEvents(); } }),
      eventDrop: drop,
      eventClick: ({ event }) => event.extendedProps.block && call("onOpen", event.id),
      dateClick: ({ dateStr, resource, allDay }) =>
        allDay ? call("onDay", dateStr.slice(0, 10)) : pick(dateStr.slice(0, 19), "", resource),
      select: ({ startStr, endStr, resource, allDay }) => {
        calendar.current.unselect();
        if (!allDay) pick(startStr.slice(0, 19), endStr.slice(0, 19), resource);
      },
    });
    const letGo = keepTidy(root.current);
    return () => {
      letGo();
      clearTimeout(waiting.current);
      destroyCalendar(calendar.current);
      calendar.current = null;
    };
    // Made once; what changes later is handed over below.
  }, []);

  useEffect(() => { calendar.current.setOption("view", VIEWS[view]); calendar.current.setOption("date", day); }, [view, day]);
  useEffect(showHours, [opens, closes, day, zone]);
  useEffect(() => { calendar.current.setOption("resources", columns.map(toResource)); }, [columns]);
  useEffect(() => {
    calendar.current.setOption("editable", editable);
    calendar.current.setOption("selectable", editable);
  }, [editable]);
  useEffect(showEvents, [blocks, shades, view, answered]);

  useEffect(() => {
    // The line of the present follows the clinic's clock, over its changes too.
    const follow = () => {
      const offset = offsetOf(zone);
      if (calendar.current.getOption("timeZone") === offset) return;
      calendar.current.setOption("timeZone", offset);
      calendar.current.setOption("date", latest.current.day);
      showEvents();
    };
    follow();
    const timer = setInterval(follow, MINUTE / 2);
    return () => clearInterval(timer);
  }, [zone]);

  return <div ref={root} className="day-book" role="group" aria-label={words.label} />;
}

// Says whether the window is as narrow as a phone's, now and whenever that changes.
export function NarrowWindow({ onFit }) {
  const latest = useRef(onFit);
  latest.current = onFit;
  useEffect(() => {
    const query = window.matchMedia(NARROW);
    const tell = () => latest.current?.(query.matches);
    tell();
    query.addEventListener("change", tell);
    return () => query.removeEventListener("change", tell);
  }, []);
  return null;
}
