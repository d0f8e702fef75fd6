/** What an element is to look like: data, which `draw` puts on the page. */
export interface Node {
  readonly tag: string;
  /** Among its siblings: the same element stays the same one, wherever it goes. */
  readonly key?: string;
  readonly props: Props;
  readonly children: readonly Child[];
}

type Child = Node | string;

/** Attributes, custom properties of the style, and handlers such as `onclick`. False and undefined are left out. */
export interface Props {
  readonly [name: string]: string | number | boolean | undefined | ((event: never) => void);
}

/** Describes an element; `key` is its name among its siblings. */
export function h(tag: string, { key, ...props }: Props & { key?: string }, ...children: (Child | undefined)[]): Node {
  const given = children.filter((child) => child !== undefined && child !== "") as Child[];
  return { tag, props, children: given, ...(key === undefined ? {} : { key }) };
}

const drawn = new WeakMap<Element, Node>();

/** Makes an element's children what is wanted, and touches only what differs, so that focus and selection stay. */
export function draw(parent: Element, wanted: readonly Child[]): void {
  const keys = new Set(wanted.map(keyOf));
  const known = new Map<string, Element>();
  for (const child of [...parent.children]) {
    const key = drawn.get(child)?.key;
    if (key === undefined) continue;
    if (keys.has(key)) known.set(key, child);
    else child.remove();
  }
  let at = parent.firstChild;
  for (const want of wanted) {
    const found = existing(want, at, known);
    const node = found ?? create(want);
    if (node === at) at = at.nextSibling;
    else parent.insertBefore(node, at);
    if (typeof want === "string") {
      if (node.nodeValue !== want) node.nodeValue = want;
    } else if (node instanceof Element && drawn.get(node) !== want) {
      apply(node, want);
      draw(node, want.children);
    }
  }
  while (at !== null) {
    const next: ChildNode | null = at.nextSibling;
    at.remove();
    at = next;
  }
}

function keyOf(child: Child): string | undefined {
  return typeof child === "string" ? undefined : child.key;
}

function existing(want: Child, at: ChildNode | null, known: Map<string, Element>): ChildNode | undefined {
  if (typeof want === "string") return at instanceof Text ? at : undefined;
  if (want.key !== undefined) {
    const element = known.get(want.key);
    return element?.localName === want.tag ? element : undefined;
  }
  if (!(at instanceof Element) || at.localName !== want.tag) return undefined;
  return drawn.get(at)?.key === undefined ? at : undefined;
}

function create(want: Child): ChildNode {
  return typeof want === "string" ? document.createTextNode(want) : document.createElement(want.tag);
}

function apply(element: Element, want: Node): void {
  const before = drawn.get(element)?.props ?? {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(want.props)])) {
    const value = want.props[name];
    if (value !== before[name]) set(element, name, value);
  }
  drawn.set(element, want);
}

function set(element: Element, name: string, value: Props[string]): void {
  if (name.startsWith("on")) Object.assign(element, { [name]: value ?? null });
  // A style attribute would need an exception in the content policy; a property set by a script does not.
  else if (name.startsWith("--")) (element as HTMLElement).style.setProperty(name, String(value ?? ""));
  else if (value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : String(value));
}
