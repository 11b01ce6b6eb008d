import React, { useEffect, useRef } from "react";

// The browser's own dialog: keeps the focus inside, closes with Escape, gives the focus back.
export function Dialog({ open = false, label, wide = false, onClose, children }) {
  const element = useRef(null);
  useEffect(() => {
    const dialog = element.current;
    if (open && !dialog.open) dialog.showModal();
    if (!open && dialog.open) dialog.close();
  }, [open]);
  const cancel = (event) => { event.preventDefault(); onClose?.(); };
  const outside = (event) => { if (event.target === element.current) onClose?.(); };
  return (
    <dialog ref={element} className={wide ? "dialog dialog-wide" : "dialog"} aria-label={label} onCancel={cancel} onMouseDown={outside}>
      {open ? <div className="stack">{children}</div> : null}
    </dialog>
  );
}
