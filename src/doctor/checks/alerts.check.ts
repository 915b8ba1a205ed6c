import { diagnoseAlerts } from '../alerting/diagnose-alerts.js';
import type { DoctorCheck } from '../doctor.js';

/** Can the alerts fire: metrics, samples, rules, routes, runbooks. `doctor --alert NAME` shows the steps of one. */
export const check: DoctorCheck = { name: 'alerts', run: diagnoseAlerts };
