import { expect, test } from "vitest";
import { Admission } from "../../../server/src/sockets/admission.ts";

test("a WebSocket that waits for admission, or is admitted, cannot ask for it again", () => {
  const admission = new Admission();
  expect(admission.ask()).toBe(true);
  expect(admission.ask()).toBe(false);
  admission.admit();
  expect(admission.isAdmitted).toBe(true);
  expect(admission.ask()).toBe(false);
});

test("a client may leave and come back a few times on one WebSocket, and not for ever", () => {
  const admission = new Admission();
  const visit = () => {
    const may = admission.ask();
    if (may) admission.admit();
    admission.leave();
    return may;
  };
  expect(Array.from({ length: 7 }, visit)).toEqual([true, true, true, true, true, false, false]);
});

test("a refused client may try again, and the third refusal is the last", () => {
  const admission = new Admission();
  const attempt = () => admission.ask() && admission.refuse();
  expect([attempt(), attempt(), attempt()]).toEqual([true, true, false]);
});
