// HTML and SVG as text, in which nothing that was measured or named elsewhere can be taken for markup.

/** Text that is markup already. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** What stands within an element: markup as it is, everything else escaped; what is false or undefined is left out. */
type Child = Markup | string | number | false | undefined;

/** Values are escaped; what is undefined is left out. */
type Attributes = Readonly<Record<string, string | number | undefined>>;

/** Elements of HTML that have no end. */
const endless = new Set(["br", "hr", "meta"]);

export function element(name: string, attributes: Attributes, ...children: readonly Child[]): Markup {
  const pairs = Object.entries(attributes).flatMap(([attribute, value]) =>
    value === undefined ? [] : [` ${attribute}="${escapeText(written(value))}"`],
  );
  const start = `<${name}${pairs.join("")}>`;
  return new Markup(endless.has(name) ? start : `${start}${together(...children).text}</${name}>`);
}

/** Several children, one after the other. */
export function together(...children: readonly Child[]): Markup {
  return new Markup(children.map(textOf).join(""));
}

/** A text with nothing in it that HTML or XML would take for markup, be it in an element or in an attribute. */
function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function textOf(child: Child): string {
  if (child === false || child === undefined) return "";
  return child instanceof Markup ? child.text : escapeText(written(child));
}

/** A number to two places: a picture needs no more. */
function written(value: string | number): string {
  return typeof value === "number" ? String(Number(value.toFixed(2))) : value;
}
