import { expect, test } from "vitest";
import { element, together } from "../../support/markup.ts";

test("whatever is named or measured, it is text: in an element, in an attribute, and in what stands side by side", () => {
  const hostile = `</td><script>alert("1")</script>&'`;
  const escaped = "&#60;/td&#62;&#60;script&#62;alert(&#34;1&#34;)&#60;/script&#62;&#38;&#39;";
  expect(element("td", { title: hostile }, hostile).text).toBe(`<td title="${escaped}">${escaped}</td>`);
  expect(together(hostile, hostile).text).toBe(escaped + escaped);
});

test("elements stand in each other, what is undefined or false is left out, and what has no end gets none", () => {
  const cell = element("td", { class: undefined, width: 1.23456 }, element("b", {}, 0), false, undefined);
  expect(cell.text).toBe('<td width="1.23"><b>0</b></td>');
  expect(element("meta", { charset: "utf-8" }).text).toBe('<meta charset="utf-8">');
});
