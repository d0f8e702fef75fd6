// Writes docs/api.md from the docstrings and the declarations of what the packages export; with `--check` it fails where
// the page is another one.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import ts from "typescript";
import "./project.mjs";

const page = "docs/api.md";
/** The protocol has a page of its own, and the package file is no module. */
const leftOut = new Set(["./protocol", "./package.json"]);

const modules = ["client", "server"].flatMap((folder) => {
  const { name, exports } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  return Object.entries(exports)
    .filter(([path]) => !leftOut.has(path))
    .map(([path, targets]) => ({ name: `${name}${path.slice(1)}`, file: `${folder}/${targets["@holdfast/source"]}` }));
});

const { config } = ts.readConfigFile("tsconfig.json", ts.sys.readFile);
const { options } = ts.parseJsonConfigFileContent(config, ts.sys, process.cwd());
const program = ts.createProgram(
  modules.map(({ file }) => file),
  options,
);
const checker = program.getTypeChecker();

/** Where each symbol was shown first: what several modules export is shown once. */
const shownIn = new Map();

const text = [
  "# API",
  "",
  "What the packages export, written by `npm run api` from their declarations. The [client](../client/README.md) and the",
  "[server](../server/README.md) have pages that explain it, and the [protocol](../client/PROTOCOL.md) tells every error code.",
  ...modules.flatMap(modulePart),
]
  .join("\n")
  .concat("\n");

if (process.argv.includes("--check")) {
  if (!existsSync(page) || readFileSync(page, "utf8") !== text) {
    console.error(`${page} is not what the declarations say: npm run api`);
    process.exit(1);
  }
} else {
  writeFileSync(page, text);
  console.log(`wrote ${page}`);
}

function modulePart({ name, file }) {
  const source = program.getSourceFile(file);
  const symbol = source && checker.getSymbolAtLocation(source);
  if (symbol === undefined) throw new Error(`expected a module with exports in ${file}`);
  const exported = checker.getExportsOfModule(symbol).toSorted((a, b) => rank(a) - rank(b) || compare(a.name, b.name));
  return ["", `## \`${name}\``, ...exported.flatMap((one) => exportPart(one, name))];
}

/** Values first: they are what one calls. */
function rank(symbol) {
  return original(symbol).flags & ts.SymbolFlags.Value ? 0 : 1;
}

function compare(a, b) {
  return a < b ? -1 : 1;
}

function original(symbol) {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

function exportPart(symbol, module) {
  const before = shownIn.get(original(symbol));
  if (before !== undefined) return ["", `### \`${symbol.name}\``, "", `The same as in \`${before}\`.`];
  shownIn.set(original(symbol), module);
  const declarations = (original(symbol).declarations ?? []).filter((node) => ownFile(node) || !ts.isSourceFile(node));
  const [first] = declarations;
  if (first === undefined) throw new Error(`expected a declaration of ${symbol.name}`);
  const prose = docText(first);
  return [
    "",
    `### \`${symbol.name}\``,
    "",
    ...(prose === "" ? [] : [prose, ""]),
    "```ts",
    ...declarations.filter(isShown).map(declarationText),
    "```",
  ];
}

function ownFile(node) {
  return !relative(process.cwd(), node.getSourceFile().fileName).startsWith("node_modules");
}

/** Of a function with overloads, the signature that only its body has is nobody's business. */
function isShown(node, _, all) {
  return all.length === 1 || node.body === undefined;
}

/** The text of a docstring without its frame; tags are items of a list. */
function docText(node) {
  const holder = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  const raw = ts.getJSDocCommentsAndTags(holder).find(ts.isJSDoc)?.getText() ?? "";
  return raw
    .replace(/^\/\*\*|\*\/$/g, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\*? ?/, "").trimEnd())
    .join("\n")
    .trim()
    .replace(/^@param (\S+) - /gm, "- `$1`: ")
    .replace(/^@(\w+) /gm, "- $1: ");
}

function declarationText(node) {
  if (ts.isVariableDeclaration(node)) return `const ${node.name.getText()}: ${typeText(node)};`;
  if (ts.isFunctionDeclaration(node)) return `${withoutBody(node)};`;
  if (ts.isClassDeclaration(node)) return classText(node);
  return node.getText().replace(/^export /, "");
}

function typeText(node) {
  return checker.typeToString(checker.getTypeAtLocation(node), node, ts.TypeFormatFlags.NoTruncation);
}

/** A function or method up to its body: its own types as they are written, and what it returns where that is inferred. */
function withoutBody(node) {
  const source = node.getSourceFile().text;
  const head = source.slice(node.getStart(), node.parameters.pos).replace(/^(export |async |override )+/, "");
  const parameters = node.parameters.map(parameterText).join(", ");
  if (ts.isConstructorDeclaration(node)) return `${head}${parameters})`;
  const signature = checker.getSignatureFromDeclaration(node);
  const returned = signature === undefined ? "void" : checker.getReturnTypeOfSignature(signature);
  return `${head}${parameters}): ${node.type?.getText() ?? checker.typeToString(returned, node)}`;
}

/** A default is said in the docstring of what has one; a pattern is nobody's business. */
function parameterText({ name, type, initializer, questionToken, dotDotDotToken }) {
  const isOptional = questionToken !== undefined || initializer !== undefined;
  const shownName = ts.isIdentifier(name) ? name.text : "options";
  return `${dotDotDotToken ? "..." : ""}${shownName}${isOptional ? "?" : ""}: ${type?.getText() ?? "unknown"}`;
}

function classText(node) {
  const heritage = (node.heritageClauses ?? []).map((clause) => ` ${clause.getText()}`).join("");
  const members = node.members.filter((member) => member.name === undefined || !ts.isPrivateIdentifier(member.name));
  const lines = members.map((member) => {
    const comment = ts.getJSDocCommentsAndTags(member).find(ts.isJSDoc);
    const body = ts.isPropertyDeclaration(member)
      ? `${ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Readonly ? "readonly " : ""}${member.name.getText()}${member.questionToken ? "?" : ""}: ${member.type?.getText() ?? typeText(member)}`
      : withoutBody(member);
    return `${comment === undefined ? "" : `  ${comment.getText()}\n`}  ${body};`;
  });
  return [`class ${node.name?.text ?? ""}${heritage} {`, ...lines, "}"].join("\n");
}
