// Looks at mails in Chromium: axe-core in light and in dark, and whether anything is wider than the screen.
// In: a file of JSON lines {"html": ...}. Out: a JSON line for each, in order. Nothing is fetched from anywhere.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import axe from "axe-core";
import { chromium } from "playwright-core";

const [, , executablePath, mails] = process.argv;
const WIDTHS = [320, 390, 700];
const SCHEMES = { light: 700, dark: 390 };
const RULES = {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  // A mail is no page: its program brings the landmarks.
  rules: { "landmark-one-main": { enabled: false }, region: { enabled: false } },
};

const browser = await chromium.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
const page = await browser.newPage();
await page.route("**/*", (route) => route.abort());

async function tooWide(width) {
  await page.setViewportSize({ width, height: 900 });
  return page.evaluate(() => {
    if (document.documentElement.scrollWidth <= innerWidth) return [];
    const over = [...document.body.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > innerWidth);
    const deepest = over.filter((one) => !over.some((other) => one !== other && one.contains(other)));
    const words = deepest.map((one) => `${one.tagName.toLowerCase()} “${one.textContent.trim().slice(0, 40)}”`);
    return [`${document.documentElement.scrollWidth} px`, ...words.slice(0, 2)];
  });
}

async function violations(colorScheme, width) {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width, height: 900 });
  const found = await page.evaluate((rules) => globalThis.axe.run(document, rules), RULES);
  return found.violations.map(
    ({ id, impact, nodes }) => `${id} (${impact}) x${nodes.length}: ${nodes[0].html.replace(/\s+/g, " ").slice(0, 120)}`,
  );
}

for await (const line of createInterface({ input: createReadStream(mails) })) {
  await page.setContent(JSON.parse(line).html, { waitUntil: "load" });
  await page.evaluate(axe.source);
  const seen = {};
  for (const width of WIDTHS) seen[width] = await tooWide(width);
  for (const [scheme, width] of Object.entries(SCHEMES)) seen[scheme] = await violations(scheme, width);
  console.log(JSON.stringify(seen));
}
await browser.close();
