import { Dialog } from "../parts/dialog.tsx";
import { goKeys } from "./keys.ts";
import { showsKeys } from "./overlays.ts";

const keys: readonly (readonly [string, string])[] = [
  ["/ or Ctrl-K", "search machines and screens"],
  ...Object.entries(goKeys).map(([key, { name }]) => [`g ${key}`, `go to ${name}`] as const),
  ["arrows", "walk through slots or rows"],
  ["Enter", "open the chosen machine"],
  ["Space", "select the chosen row"],
  [".", "act on the selected machines, or on the chosen one"],
  ["c", "colour the slots by something else"],
  ["z", "times in UTC or in the zone of this browser"],
  ["d", "colours of the system, dark or light"],
  ["Esc", "close"],
];

/** All keys of the dashboard. */
export function KeyList() {
  return (
    <Dialog
      title="Keys"
      onClose={() => {
        showsKeys.value = false;
      }}
    >
      <table>
        <tbody>
          {keys.map(([key, does]) => (
            <tr key={key}>
              <th scope="row">
                <kbd>{key}</kbd>
              </th>
              <td>{does}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}
