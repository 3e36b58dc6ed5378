// Amounts as the language of the page writes them.

import { language } from "./session";

const currency = document.documentElement.dataset.currency;
const digits = document.documentElement.dataset.digits;

/** An amount in the currency of the house; without one, a bare number. */
export function amount(value: number): string {
  const whole = Number.isInteger(value) ? 0 : Number(digits ?? 2);
  const fraction = { minimumFractionDigits: digits ? Number(digits) : whole, maximumFractionDigits: Number(digits ?? 2) };
  const form: Intl.NumberFormatOptions = currency ? { style: "currency", currency, currencyDisplay: "narrowSymbol" } : {};
  return new Intl.NumberFormat(language(), { ...form, ...fraction }).format(value);
}
