/*
 * ioredis has a class that extends String. V8 makes a dictionary of a prototype that is extended, until it is used through an
 * object, and a text is none: in all of the process, each call of a text's method was looked up, and none was inlined.
 * A short chat takes 6 % fewer instructions without that.
 */

/** Has V8 make the prototypes of texts and numbers fast again. To be called when all modules are loaded. */
export function restoreFastPrototypes(): void {
  for (const primitive of ['', 0]) {
    // Listing the names of an object is what does it.
    for (const _ in Object(primitive));
  }
}
