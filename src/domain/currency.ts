/** Codes of ISO 4217. */
export const currencyCodes: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'));
