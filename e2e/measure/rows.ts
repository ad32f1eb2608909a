// Rows of results: what is asked beside what was found, in the form of `cargo xtask bench`.

/** What is asked of a measured value; nothing of one that only explains others. */
export type Asked = { atMost: number } | { atLeast: number } | undefined;

/** Prints a heading above rows. */
export function printHeading(text: string): void {
  console.log(`\n${text}`);
}

/** Prints a measured value. */
export function printRow(what: string, found: number, unit: string, asked?: Asked): void {
  const row = `  ${what.padEnd(72)} ${found.toFixed(2).padStart(9)}${unit}`;
  console.log(asked ? `${row}  (asked: ${verdict(found, unit, asked)})` : row);
}

function verdict(found: number, unit: string, asked: NonNullable<Asked>): string {
  const [text, isReached] =
    'atMost' in asked
      ? [`at most ${asked.atMost}${unit}`, found <= asked.atMost]
      : [`at least ${asked.atLeast}${unit}`, found >= asked.atLeast];
  return `${text}: ${isReached ? 'reached' : 'MISSED'}`;
}

/** The value below which this part of all values is, from 0 to 1. */
export function percentile(values: number[], part: number): number {
  if (values.length === 0) throw new Error('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * part)];
}
