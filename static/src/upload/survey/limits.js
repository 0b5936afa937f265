/** How much the page unpacks and walks before it says so and stops. */
export const MOST_FILES = 200_000;
export const DEEPEST_FOLDER = 64;
/** Archives and disc images inside one another. */
export const DEEPEST_NESTING = 3;
/** An archive that lies compressed in another must be unpacked as a whole before it can be looked into. */
export const LARGEST_INNER = 2 ** 30;
/** Deflate itself ends at about 1,032 : 1. A whole archive of images stays far below; its parts need not. */
export const MOST_GROWTH = 200;
/** Below this an archive may grow as it likes. */
export const FREE_GROWTH = 2 ** 30;
export const MOST_UNPACKED = 256 * 2 ** 30;
/** What is read of a file to know whose it is: a little, then more, then no more. */
export const HEADS = [8 * 2 ** 10, 256 * 2 ** 10, 4 * 2 ** 20];
