import { collectorRules } from './collector.rules.js';
import { databaseRules } from './database.rules.js';
import { pipelineRules } from './pipeline.rules.js';
import { platformRules } from './platform.rules.js';
import { redisRules } from './redis.rules.js';
import { riskRules } from './risk.rules.js';
import type { Rule } from './rule.js';
import { targetRules } from './target.rules.js';
import { watcherRules } from './watcher.rules.js';

/** Every rule: adding one here, with its threshold and its runbook, is all that an alert takes. */
export const rules: readonly Rule[] = [
  ...targetRules,
  ...platformRules,
  ...collectorRules,
  ...databaseRules,
  ...redisRules,
  ...pipelineRules,
  ...riskRules,
  ...watcherRules,
];
