// The streaming window of `tidewatch/kernel` and its batch counterpart.
export * from './batch-statistics.js';
export { blocksMargin, cutKey } from './block-cuts.js';
export * from './compensated-sum.js';
export * from './order-free-sum.js';
export * from './periods-per-year.js';
export * from './quantile-sketch.js';
export * from './stream-window.js';
export * from './window-statistics.js';
