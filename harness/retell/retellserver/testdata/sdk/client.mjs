// Does with Retell's official client what a user does, and says on standard
// output, as one JSON object, what it saw. RETELL_BASE_URL and RETELL_API_KEY
// come from the environment, as the client reads them.
import Retell from "retell-sdk";

const client = new Retell();
const seen = { errors: {} };

// refused notes the class, the status and the message of the error of a call.
async function refused(name, call) {
  try {
    await call();
    seen.errors[name] = "no error";
  } catch (e) {
    seen.errors[name] = `${e.constructor.name}: ${e.message}`;
  }
}

// pages follows pagination_key: the client gives one page at a time.
async function pages(list) {
  const items = [];
  let count = 0;
  for (let pagination_key; ; ) {
    const page = await list(pagination_key ? { pagination_key } : {});
    items.push(...page.items);
    count++;
    if (!page.has_more) return { items, count };
    pagination_key = page.pagination_key;
  }
}

const engine = { type: "retell-llm", llm_id: "llm_1", version: 3 };
const ids = [];
for (let i = 0; i < 5; i++) {
  const made = await client.tests.createTestCaseDefinition({
    name: `case ${i}`,
    response_engine: engine,
    user_prompt: "You want to move your appointment to Friday.",
    metrics: ["The agent moves the appointment."],
    dynamic_variables: { simulated_pass_rate: i === 0 ? "0" : "1", simulated_error_rate: i === 1 ? "1" : "0" },
    tool_mocks: [
      { tool_name: "book", input_match_rule: { type: "partial_match", args: { day: "Friday" } }, output: '{"ok":true}' },
    ],
  });
  ids.push(made.test_case_definition_id);
}

const batch = await client.tests.createBatchTest({ test_case_definition_ids: ids, response_engine: engine });
seen.started = batch.status;
for (let b = batch; ; ) {
  if (b.status === "complete") {
    seen.counts = [b.pass_count, b.fail_count, b.error_count, b.total_count];
    break;
  }
  await new Promise((resolve) => setTimeout(resolve, 10));
  b = await client.tests.getBatchTest(batch.test_case_batch_job_id);
}
const of = { type: "retell-llm", llm_id: "llm_1" };
seen.batches = (await client.tests.listBatchTests({ ...of, version: 3 })).items.length;

const runs = await pages((q) => client.tests.listTestRuns(batch.test_case_batch_job_id, { limit: 2, ...q }));
seen.pages = runs.count;
seen.runs = [];
for (const { test_case_job_id } of runs.items) {
  const run = await client.tests.getTestRun(test_case_job_id);
  seen.runs.push([run.test_case_definition_snapshot.name, run.status, typeof run.result_explanation, run.transcript_snapshot.messages.length > 2]);
}

const updated = await client.tests.updateTestCaseDefinition(ids[0], { name: "renamed" });
seen.updated = [updated.name, updated.user_prompt, (await client.tests.getTestRun(runs.items[0].test_case_job_id)).test_case_definition_snapshot.name];
seen.got = (await client.tests.getTestCaseDefinition(ids[0])).name;
await client.tests.deleteTestCaseDefinition(ids[4]);
seen.left = (await pages((q) => client.tests.listTestCaseDefinitions({ ...of, limit: 3, ...q }))).items.map((d) => d.name);

await refused("deleted", () => client.tests.getTestCaseDefinition(ids[4]));
await refused("unknown in a batch", () => client.tests.createBatchTest({ test_case_definition_ids: [ids[4]], response_engine: engine }));
await refused("none in a batch", () => client.tests.createBatchTest({ test_case_definition_ids: [], response_engine: engine }));
await refused("wrong key", () => new Retell({ apiKey: "wrong" }).tests.getBatchTest("b"));
await refused("no type", () => client.tests.listBatchTests({}));
// The server's plan: the fourth batch is not paid for, and these IDs have faults.
await refused("payment", () => client.tests.createBatchTest({ test_case_definition_ids: [ids[1]], response_engine: engine }));
await refused("limited", () => client.tests.getTestRun("429"));
await refused("broken", () => client.tests.getTestRun("500", { maxRetries: 0 }));
await refused("dropped", () => client.tests.getTestRun("drop", { maxRetries: 0 }));
// The client sends again what may have been carried out: two batches, not one.
const twice = await client.tests.createBatchTest({ test_case_definition_ids: [ids[1]], response_engine: { ...engine, version: 4 } });
seen.twice = [twice.total_count, (await client.tests.listBatchTests({ ...of, version: 4 })).items.length];

console.log(JSON.stringify(seen));
