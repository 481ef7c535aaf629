// What all of them are measured with.
export const LIMIT = 2 ** 31 - 1;
export const WINDOW_MS = 60_000;
export const KEYS = 1_000;
export const MILLION = 1_000_000;

export const address = (index) => `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`;
