export { postgres, redisUrl } from './servers.js';
export { startApp, type TestApp } from './start-app.js';
