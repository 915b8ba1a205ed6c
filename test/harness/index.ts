export { type Answer, jsonApi } from './json-api.js';
export { embeddedDatabaseUrl, postmaster, type ServerOptions, ServerProcess } from './server-process.js';
export { postgres, redisUrl } from './servers.js';
export { startApp, type TestApp } from './start-app.js';
export { type CommandResult, tidewatch } from './tidewatch-command.js';
export { until } from './until.js';
