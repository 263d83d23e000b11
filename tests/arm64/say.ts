/** Prints lines with the time since the call, because an emulated machine shows little for minutes. */
export function sayWithTime(): (message: string, facts?: object) => void {
  const beganMs = performance.now();
  return (message, facts) => {
    const seconds = Math.round((performance.now() - beganMs) / 1000);
    process.stdout.write(`  ${seconds} s: ${message}${facts === undefined ? "" : ` ${JSON.stringify(facts)}`}\n`);
  };
}
