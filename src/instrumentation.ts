// Loaded with `--import` before main.ts, so that tracing can hook modules before they are used.
export {};
