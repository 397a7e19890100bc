const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const time = String.raw`(?<hour>\d\d):(?<minute>\d\d):(?<second>\d\d)`;

/** The three formats of RFC 9110, 5.6.7. A recipient must take all of them. */
const formats = [
  // Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(String.raw`^\w{3}, (?<day>\d\d) (?<month>\w{3}) (?<year>\d{4}) ${time} (?:GMT|UTC)$`),
  // Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(String.raw`^\w{6,9}, (?<day>\d\d)-(?<month>\w{3})-(?<year>\d\d) ${time} (?:GMT|UTC)$`),
  // Sun Nov  6 08:49:37 1994
  new RegExp(String.raw`^\w{3} (?<month>\w{3}) (?<day>[ \d]\d) ${time} (?<year>\d{4})$`),
];

/** The moment of an HTTP date, ms since the epoch; null if it is none. `nowMs` tells the century of a short year. Pure. */
export function httpDateMs(text: string, nowMs: number): number | null {
  for (const format of formats) {
    const found = format.exec(text.trim())?.groups;
    if (found === undefined) continue;
    const { day, month = '', year = '', hour, minute, second } = found;
    const monthIndex = months.indexOf(month);
    const wholeYear = year.length === 2 ? yearOf(Number(year), nowMs) : Number(year);
    const ms = Date.UTC(wholeYear, monthIndex, Number(day), Number(hour), Number(minute), Number(second));
    return monthIndex < 0 || Number.isNaN(ms) ? null : ms;
  }
  return null;
}

/** A year that seems more than 50 years ahead is the last one with these digits. */
function yearOf(shortYear: number, nowMs: number): number {
  const thisYear = new Date(nowMs).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + shortYear;
  return year > thisYear + 50 ? year - 100 : year;
}
