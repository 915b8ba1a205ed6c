import { jest } from '@jest/globals';

// Tests with real servers: the limit catches what hangs, on a busy machine too; it is not an expectation of speed.
jest.setTimeout(60_000);
