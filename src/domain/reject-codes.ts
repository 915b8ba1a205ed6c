/** Why a row was refused at the door: stable, what clients switch on. */
export const rejectCodes = [
  'MALFORMED_ROW',
  'NOT_AN_OBJECT',
  'ROW_TOO_LONG',
  'INVALID_UTF8',
  'UNKNOWN_FIELD',
  'MISSING_FIELD',
  'INVALID_SYMBOL',
  'INVALID_PORTFOLIO_ID',
  'UNKNOWN_PORTFOLIO',
  'INVALID_METRIC_TYPE',
  'INVALID_TS',
  'TS_OUT_OF_RANGE',
  'INVALID_PRICE',
  'INVALID_SIZE',
  'INVALID_VALUE',
  'INVALID_ID',
  'INVALID_METADATA',
] as const;
export type RejectCode = (typeof rejectCodes)[number];
