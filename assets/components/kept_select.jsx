import { useState } from "react";

// A list to choose from that keeps what was chosen while its entries are away: after a lost connection the page is filled anew, and a
// plain <select> whose entries go and come back shows the first of them. Chosen in the browser; the form sends it like any other field.
export function KeptSelect({ choices = [], empty = "", defaultValue = "", ...props }) {
  const [chosen, choose] = useState(defaultValue);
  return (
    <select {...props} value={chosen} onChange={(event) => choose(event.target.value)}>
      {empty && <option value="">{empty}</option>}
      {choices.map(({ value, label }) => <option key={value} value={value}>{label}</option>)}
    </select>
  );
}
