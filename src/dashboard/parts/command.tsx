import { useSignal } from "@preact/signals";

/** The command of the command line that shows or does the same, ready to copy. */
export function Command({ text }: { text: string }) {
  const copied = useSignal(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text).then(
      () => {
        copied.value = true;
        setTimeout(() => {
          copied.value = false;
        }, 2000);
      },
      () => {},
    );
  };
  return (
    <div class="command">
      <code>{text}</code>
      <button type="button" onClick={copy} aria-label={`copy the command ${text}`}>
        {copied.value ? "copied" : "copy"}
      </button>
    </div>
  );
}
