import React, { useEffect, useRef, useState } from "react";

const SCRIPT = "/proof.js";

// Calls back with the solution; returns what breaks the search off.
const inWorker = (challenge, solved) => {
  let stop;
  const worker = new Worker(SCRIPT);
  worker.onmessage = ({ data }) => { worker.terminate(); solved(data); };
  worker.onerror = () => { worker.terminate(); stop = onPage(challenge, solved); };
  worker.postMessage(challenge);
  return () => { worker.terminate(); stop?.(); };
};

const onPage = (challenge, solved) => {
  let stop, isOver = false;
  const begin = () => { if (!isOver) stop = window.medcalProof(challenge, solved); };
  if (window.medcalProof) begin();
  else {
    const script = Object.assign(document.createElement("script"), { src: SCRIPT, onload: begin });
    document.head.append(script);
  }
  return () => { isOver = true; stop?.(); };
};

const solve = (challenge, solved) => {
  try {
    return inWorker(challenge, solved);
  } catch {
    return onPage(challenge, solved);
  }
};

// Solves while the form around it is filled in. Who is faster waits, and the form then goes by itself; a line says so after a second.
export function Proof({ challenge = "", checking, lastsSeconds = 0, once = false, onStale }) {
  const field = useRef(null), waiting = useRef(null), begun = useRef(0), isSent = useRef(false), stale = useRef(onStale);
  const [isSlow, setIsSlow] = useState(false);
  stale.current = onStale;

  useEffect(() => {
    field.current.value = "";
    if (!challenge) return undefined;
    begun.current = Date.now();
    return solve(challenge, (solution) => {
      field.current.value = solution;
      const goOn = waiting.current;
      waiting.current = null;
      goOn?.();
    });
  }, [challenge]);

  useEffect(() => {
    const form = field.current.closest("form");
    let timer = 0;
    const submit = (event) => {
      const isStale = lastsSeconds && Date.now() - begun.current > lastsSeconds * 1000;
      const isReady = field.current.value && !isStale;
      if (isReady && !isSent.current) {
        isSent.current = once;
        return;
      }
      event.preventDefault();
      event.stopPropagation();
      if (isReady || waiting.current) return;
      timer = setTimeout(() => setIsSlow(true), 1000);
      waiting.current = () => { clearTimeout(timer); setIsSlow(false); form.requestSubmit(); };
      if (isStale) stale.current?.();
    };
    // Who comes back to a page that the browser has kept finds a proof that is spent.
    const comeBack = ({ persisted }) => { if (persisted) { isSent.current = false; stale.current?.(); } };
    // Before React hears of it.
    form.addEventListener("submit", submit, true);
    window.addEventListener("pageshow", comeBack);
    return () => {
      clearTimeout(timer);
      form.removeEventListener("submit", submit, true);
      window.removeEventListener("pageshow", comeBack);
    };
  }, [lastsSeconds, once]);

  return (
    <span className="proof">
      <input type="hidden" name="proof" ref={field} />
      <span role="status" className="small soft">{isSlow ? checking : ""}</span>
    </span>
  );
}
