const swc = {
  '^.+\\.ts$': [
    '@swc/jest',
    {
      jsc: {
        target: 'es2024',
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
      },
      module: { type: 'es6' },
      sourceMaps: 'inline',
    },
  ],
};

const project = (displayName, testMatch, extra = {}) => ({
  displayName,
  testMatch,
  testEnvironment: 'node',
  transform: swc,
  extensionsToTreatAsEsm: ['.ts'],
  // TypeScript's NodeNext imports end in .js; the source beside them is .ts.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.tidewatch/'],
  ...extra,
});

/** @type {import('jest').Config} */
export default {
  projects: [
    project('unit', ['<rootDir>/{src,collectors,dashboards,migrations}/**/*.spec.ts']),
    project('drift', ['<rootDir>/test/drift/**/*.spec.ts']),
    project('integration', ['<rootDir>/test/{integration,contract}/**/*.spec.ts'], {
      // What is about TimescaleDB alone needs a server that has it; `npm test` says when it is left out.
      testPathIgnorePatterns: process.env.TIMESCALE_URL === undefined ? ['/timescale\\.spec\\.ts$'] : [],
      globalSetup: '<rootDir>/test/harness/global-setup.mjs',
      setupFilesAfterEnv: ['<rootDir>/test/harness/timeouts.ts'],
      globalTeardown: '<rootDir>/test/harness/global-teardown.mjs',
    }),
    project('e2e', ['<rootDir>/test/e2e/**/*.spec.ts'], {
      globalSetup: '<rootDir>/test/harness/global-setup.mjs',
      setupFilesAfterEnv: ['<rootDir>/test/harness/timeouts.ts'],
      globalTeardown: '<rootDir>/test/harness/global-teardown.mjs',
    }),
  ],
};
