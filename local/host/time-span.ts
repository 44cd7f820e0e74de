/**
 * A .NET TimeSpan, `[days.]hours:minutes:seconds`, in milliseconds; undefined when it is none. Hours over 23 are none: .NET would
 * read `24:00:00` as 24 days.
 */
export function parseTimeSpan(text: string): number | undefined {
  const parts = /^(?:(\d{1,4})\.)?(\d{1,2}):([0-5]\d):([0-5]\d)$/.exec(text.trim());
  if (parts === null) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = parts.slice(1).map((part) => Number(part ?? 0));
  return hours > 23 ? undefined : (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1_000;
}
