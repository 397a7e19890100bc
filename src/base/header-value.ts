/** The first value of a header: one that was sent twice arrives as an array, whatever its type says. */
export function headerValue(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}
