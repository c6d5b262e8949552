// Tells the weekday of a date, as JSON lines: {"id", "input"} in, {"id", "output"} out.

import { createInterface } from "node:readline";

const weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

function answer(question) {
  if (typeof question !== "string") throw new Error("expected a question in words");
  const found = question.match(/(\d{4})-(\d\d)-(\d\d)/);
  if (!found) return "Which day? Write it like 2024-02-29.";
  const day = new Date(`${found[0]}T00:00:00Z`);
  // The last days of February roll over into March.
  if (isNaN(day) || day.getUTCDate() !== Number(found[3]) || Number(found[1]) === 0) return "There is no such day.";
  return weekdays[day.getUTCDay()];
}

function reply(line) {
  const { id, input } = JSON.parse(line);
  try {
    return { id, output: answer(input) };
  } catch (e) {
    return { id, error: e.message }; // no answer is an error, not a wrong answer
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(reply(line)) + "\n"); // one line, at once
}
