import { CreateWritePath1763800000001 } from './1763800000001-create-write-path.js';
import { CreatePortfolios1763800000002 } from './1763800000002-create-portfolios.js';
import { CreateTicks1763800000003 } from './1763800000003-create-ticks.js';
import { CreateMetrics1763800000004 } from './1763800000004-create-metrics.js';
import { CreateRiskLimits1763800000005 } from './1763800000005-create-risk-limits.js';
import { CreateWebsocketAndLogs1763800000006 } from './1763800000006-create-websocket-and-logs.js';
import { CreateDailyBars1763800000007 } from './1763800000007-create-daily-bars.js';
import { CreateRollups1763800000008 } from './1763800000008-create-rollups.js';
import { CreateIdempotencyFunction1763800000009 } from './1763800000009-create-idempotency-function.js';
import { CreateAlerts1763800000100 } from './1763800000100-create-alerts.js';
import { CoverTrades1763800000110 } from './1763800000110-cover-trades.js';
import { MarkLateRowsByRange1763800000111 } from './1763800000111-mark-late-rows-by-range.js';
import { KeepAnswersAsSent1763800000120 } from './1763800000120-keep-answers-as-sent.js';
import { FindOpenConnections1763800000130 } from './1763800000130-find-open-connections.js';
import { CloseDaysFromTicks1763800000140 } from './1763800000140-close-days-from-ticks.js';
import { SayHowOldLatestTicksAre1763800000150 } from './1763800000150-say-how-old-latest-ticks-are.js';
import { SayWhichRowsWereRefused1763800000160 } from './1763800000160-say-which-rows-were-refused.js';
import { NameTheProcessOfARequest1763800000170 } from './1763800000170-name-the-process-of-a-request.js';

/** Append-only, in order: one concern each. A migration that has run anywhere is never edited. */
export const migrations = [
  CreateWritePath1763800000001,
  CreatePortfolios1763800000002,
  CreateTicks1763800000003,
  CreateMetrics1763800000004,
  CreateRiskLimits1763800000005,
  CreateWebsocketAndLogs1763800000006,
  CreateDailyBars1763800000007,
  CreateRollups1763800000008,
  CreateIdempotencyFunction1763800000009,
  CreateAlerts1763800000100,
  CoverTrades1763800000110,
  MarkLateRowsByRange1763800000111,
  KeepAnswersAsSent1763800000120,
  FindOpenConnections1763800000130,
  CloseDaysFromTicks1763800000140,
  SayHowOldLatestTicksAre1763800000150,
  SayWhichRowsWereRefused1763800000160,
  NameTheProcessOfARequest1763800000170,
] as const;

/** As recorded in `schema_migrations`. */
export const migrationNames: readonly string[] = migrations.map((migration) => migration.name);
