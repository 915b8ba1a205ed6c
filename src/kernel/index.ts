export * from './risk.js';
export * from './streaming.js';
