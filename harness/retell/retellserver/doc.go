// Package retellserver is a stand-in for Retell's test API, in memory: test case
// definitions, batch tests and test runs, and a simulation of what becomes of
// them. It is for tests, for trying suites offline and for evalrun serve --retell.
//
//	server := httptest.NewServer(retellserver.New(retellserver.Config{Seed: 1}))
//
// [New] gives a handler, [Serve] a whole server on loopback, and [Server.Transport]
// is for tests in faked time. There is no goroutine
// behind it: a batch is planned when it is created, and what is said of it follows
// from the time of the request.
//
// # What is faithful
//
// Requests and answers follow the platform's documents: the endpoints, the
// deprecated lists without /v2 too; 201 for what is created, 204 without a body for
// what is deleted, 200 else; the fields and their limits (1 to 1000 test cases in
// a batch, 15000 characters in the output of a mock, no custom-llm); pages of 50
// items, or limit, up to 1000, with has_more and, unless it is the last, a
// pagination_key; type, and llm_id or conversation_flow_id with it, which lists of
// definitions and batches need. Errors are {"status": "error", "message": "..."}
// with the documented messages, that of a 400 followed by what is wrong: 401
// without the key, 404 for an ID that is not there.
//
// A batch is in_progress until each of its runs has ended, and then complete, with
// pass_count + fail_count + error_count = total_count. A run is pending, then
// in_progress, then pass, fail or error. It holds the definition as it was when the
// batch was created, whatever became of the definition since.
//
// # What is simulated
//
// There is no agent, no caller and no model. The verdict of a run follows from
// Config.Seed, the definition (its ID, or the name of one that was created), the
// engine with its version, how many runs of that definition against it there were
// before, and [Odds]. Those are [DefaultPass], or what the dynamic variables of the
// definition say: simulated_pass_rate, simulated_pass_rate_v3 for version 3 of the
// engine, simulated_error_rate; a value that is no chance is a 400. A run takes 20
// to 60 simulated seconds, Config.Concurrency of them at once; Config.Speed says
// how fast those pass. result_explanation, and the form and the words of
// transcript_snapshot, are made up: treat the latter as opaque. The conversation
// calls each mocked tool once. Any engine exists, in any version.
//
// IDs of definitions follow from the seed and the name, so that two servers of the
// same seed have the same; those of batches and runs differ at another time.
//
// # Where the platform's behaviour is not known
//
// Its documents leave these questions open. Code that is to run against both must
// not rely on the answers here.
//
//   - An unknown definition in create-batch-test is a 400, the only status declared
//     for it, and no run is started. Faults can make it a 422.
//   - An ID that is there twice in a batch makes two runs. A batch may be run
//     against another engine than its definitions name, also of another type.
//   - Definitions and batches are listed newest first, runs in the order of the
//     batch. A pagination_key names an item: it stays valid until that is deleted.
//   - A limit below 1 or above 1000 is a 400, as is a key that is not known.
//   - A batch that names no version is listed with those of the latest, which is the
//     highest that any batch of the engine named; so is a list that asks for none.
//     The version is answered as it was sent.
//   - A definition has the model gpt-4.1 if it names none. Models are those of the
//     documents and of the newest official client. Fields that are not known are
//     dropped, a null in place of a value is a 400.
//   - transcript_snapshot and result_explanation are null until a run has ended.
//   - A body that is not application/json is a 400, one larger than 16 MiB a 413.
//   - There is no limit to how often it can be asked: 429 and 402 come from
//     [Faults] alone.
//
// # Who may speak to it
//
// As with sgpserver, a request must name an allowed Host, a write must not come
// from another origin, and no answer carries CORS headers. Without an API key
// [Serve] listens on loopback only.
package retellserver
