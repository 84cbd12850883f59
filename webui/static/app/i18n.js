// Texts in the person's language. Messages are English; /i18n.json maps them to translations.

let catalogue = { language: "en", plurals: ["one", "other"], messages: {} };

/** Load the translations; the page works in English without them. */
export async function loadTexts() {
  try {
    const response = await fetch("/i18n.json", { headers: { accept: "application/json" } });
    if (response.ok) catalogue = { ...catalogue, ...(await response.json()) };
  } catch (error) {
    console.warn("translations could not be loaded", error);
  }
}

/** Return the person's language. */
export function language() {
  return catalogue.language === "en" ? "en-GB" : catalogue.language;
}

/** Translate a message and fill in its {values}. */
export function t(message, values = {}) {
  const found = catalogue.messages[message];
  return fill(Array.isArray(found) ? found[0] : found || message, values);
}

/** Translate the form of a message that goes with `count`; {count} is filled in. */
export function tn(singular, plural, count, values = {}) {
  const found = catalogue.messages[singular];
  const form = new Intl.PluralRules(catalogue.language).select(count);
  const all = { count, ...values };
  if (!Array.isArray(found)) return fill(count === 1 ? singular : plural, all);
  const place = catalogue.plurals.indexOf(form);
  return fill(found[place < 0 ? found.length - 1 : place] || plural, all);
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}
