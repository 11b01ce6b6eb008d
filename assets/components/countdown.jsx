import React, { useEffect, useRef, useState } from "react";

const secondsUntil = (until) => Math.max(0, Math.round((Date.parse(until) - Date.now()) / 1000));

const inClock = (seconds) => {
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600), minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
};

// Ticks in the browser; the server decides by its own clock. Spoken at five minutes and one minute before the end, and at the end (WCAG 2.2.1).
export function Countdown({ until, before = "", after = "", fiveMinutes = "", oneMinute = "", over = "", onExpire }) {
  const [left, setLeft] = useState(null);
  const [spoken, setSpoken] = useState("");
  const expired = useRef("");
  const callback = useRef(onExpire);
  callback.current = onExpire;
  useEffect(() => {
    if (!until) return undefined;
    const tick = () => {
      const seconds = secondsUntil(until);
      setLeft(seconds);
      if (seconds <= 300 && seconds > 290) setSpoken(fiveMinutes);
      if (seconds <= 60 && seconds > 50) setSpoken(oneMinute);
      if (seconds === 0 && expired.current !== until) {
        expired.current = until;
        setSpoken(over);
        callback.current?.();
      }
    };
    tick();
    const timer = setInterval(tick, 1000);
    return () => clearInterval(timer);
  }, [until]);
  const isLate = left !== null && left <= 60;
  return (
    <div className={isLate ? "countdown is-late" : "countdown"}>
      <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden="true">
        <circle cx="12" cy="13" r="8" /><path d="M12 9v4l2.5 2M9 2h6" />
      </svg>
      <span role="timer" aria-live="off">{left === 0 ? over : <>{before} <strong>{left === null ? "–" : inClock(left)}</strong> {after}</>}</span>
      <span className="visually-hidden" aria-live="polite">{spoken}</span>
    </div>
  );
}
