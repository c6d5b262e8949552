// Package suite reads suites: YAML files that say which cases an app is asked,
// what scores its answers, and what the run has to reach.
//
// The smallest whole one, for evalrun run FILE, evaltest.Suite or runner.Run:
//
//	name: greetings
//	dataset: {cases: [{id: hello, input: hello, expected: hello}]}
//	app: echo
//	evaluators: [equals]
//
// [Load] checks all of a suite before anything runs. It builds the app and the
// evaluators once, finds their programs, compiles every expression, reads the
// first row of the dataset ([Suite.CheckDataset] reads them all) and looks up the
// metrics that the gate names. Each error has file, line, column and, where a name
// is misspelled, the nearest one that there is.
//
// # The file
//
//	name: support-bot                # required; lists and reports call it so
//	description: what a new person should know
//
//	dataset:                         # exactly one of file, cases, sgp; or see retell below
//	  file: data/support.jsonl       # jsonl, json, csv, tsv, yaml by suffix; .gz too
//	  format: jsonl                  # when the suffix does not tell
//	  map: {id: ticket, input: question, expected: .answers[0]}
//	  items: .rows                   # where the list is in a json or yaml file
//
//	app:                             # exactly one kind, with its options
//	  http: {url: "http://127.0.0.1:8080/answer", output: .answer}
//
//	evaluators:                      # a name, or one name with its options
//	  - equals
//	  - contains: refund             # the option that a bare value stands for
//	  - levenshtein: {threshold: 0.8, name: close}
//
//	gate:
//	  - equals.pass_rate >= 90%
//	  - latency.p95 <= 2s
//	  - equals.pass_rate >= 80% proven where lang=de   # shown to hold, for these cases
//	  - no_regression: {baseline: main}  # or just no_regression: not shown to be worse
//	  - must_pass: [greeting, late-parcel]
//
// The options of each kind of app are in the comment of package
// [github.com/evalrun/evalrun/harness/target], the evaluators in that of
// [github.com/evalrun/evalrun/evaluator], and what a check can name, and how the
// numbers are made, in that of [github.com/evalrun/evalrun/harness/gate]. evalrun
// schema prints the options as a JSON Schema for editors.
//
// Cases that pass now and fail then (evalrun flaky finds them) can be put in
// quarantine beside the gate:
//
//	quarantine:
//	  - {case: late-parcel, until: 2026-12-31, reason: the date in the answer depends on the day}
//
// Such a case fails nothing by itself, neither must_pass nor its own test case in
// JUnit reports, and counts in every mean and comparison like any other. The report
// lists them. Up to 5 % of the cases may be in quarantine, and one always may; with
// more the run is inconclusive, and a suite whose cases stand in it an error. until is
// its last day, in UTC: a run that begins later warns, and the case counts again.
//
// no_regression: {fail_fast: true} ends a run as soon as a regression is certain; the
// cases are then asked in random order, which follows from the seed.
//
// Everything else has a default:
//
//	trials: 1                # how often each case is asked
//	reduce: mean             # how its trials become one number, see below
//	concurrency: 16          # how many trials at once
//	timeout: 30s             # of one answer, all of it included
//	retries: 2               # of failed calls, never of low scores
//	max_retry_elapsed: 5m    # how long the app may refuse every call, see below
//	rate_limit: 600/m        # calls of the app; also 10/s, 5/h; 600 is 600/m
//	sample: 10%              # this part of the cases, chosen by the seed; or 0.1
//	seed: 42
//	reports: [table, {junit: out/report.junit.xml}]
//
// With several trials a case counts by their mean, median, mode (the most frequent
// score) or max, or by {at_least_k: 2} (1 when so many trials pass), {pass_at_k: 2}
// (the chance that one of k trials passes) and {pass_k: 2} (that all of k do). Means,
// pass rates and comparisons are of these numbers.
//
// A check is text, or one name with its options. One that compares finds its baseline
// by name, among the runs of the same suite and app in the store, or in a file (a name
// that ends in .json, relative to the suite).
//
// An app that answers 429, 503 or 529 refuses a call: it was not asked. Such calls
// are no retries; they wait, for as long as the server asks (Retry-After) or for a
// growing time, and then go on at the pace that the server allows, with at most one
// call in ten made for nothing. (One case that is refused more than five times while ten
// others are answered fails like any other.) When it has taken no call at all for
// max_retry_elapsed, or asks for a longer pause, the run stops with exit code 4 and
// can be resumed. So it does at once on status 401 and 402, and on the fifth 403 in a row.
//
// A dataset can also stand in the suite itself, or on a platform:
//
//	dataset:
//	  cases:
//	    - {id: greeting, input: hi, expected: hello}
//	    - {input: {question: why, language: en}, metadata: {topic: x}}   # its ID is 2
//
//	dataset:
//	  sgp: {dataset_id: ds_1, version: 3}   # Scale GP, read page by page
//
// Without a version it is the dataset as it is when the run begins: it is read
// whole, into a temporary file, before the first case runs. When it does not hold
// still for that, the run says so and ends as incomplete (exit code 4) with no case
// run. When it has changed by the time that a run is resumed, the resumed run says
// which case is another one, or is gone, and ends likewise; its results are kept.
// Cases that were added at its end are run.
//
// It is the same with a file; reports of the run then also say that it had changed.
// A file that is written to while the run reads it ends the run as incomplete.
//
// A case has id, input (text, or a map), expected, extra, history, metadata and
// cluster, as in harness.Case. IDs are unique.
//
// A batch test of Retell stands in the place of both dataset and app. The cases are
// test case definitions, under their names, one trial of each in a batch, and Retell's
// verdicts are the metric retell:
//
//	retell:
//	  response_engine: {type: retell-llm, llm_id: llm_1, version: 3}   # or conversation-flow, conversation_flow_id
//	  test_cases: [tc_1, tc_2]       # or {all: true}, {names: ["refund*"]}, {file: cases.yaml}
//	  batch: 1000                    # the most test cases in a batch
//	  poll: 2s                       # the first pause; they grow to 30s
//	  deadline: 30m                  # of a batch; then the run stops, and --resume waits on
//	  base_url: http://127.0.0.1:8401   # a stand-in on this machine, which gets no key
//	evaluators: [{icontains: {value: goodbye, name: says-goodbye}}]   # beside retell, if there are any
//	trials: 5
//	gate: [retell.pass_rate >= 0.9, no_regression: {baseline: main}]
//
// A run changes no test case: those of a file have to be there, as they are in it,
// which evalrun retell push sees to. An answer is a JSON object with result,
// explanation and transcript, and its latency is how long it was waited for, which says
// nothing of the agent. Name the version of the engine: two runs with others compare
// case by case. Without one each batch tests the latest at its time, which the report
// says, and a run that was cut off while it started a batch stops with exit code 4 for
// as long as that is not found among those of the latest. RETELL_API_KEY and
// RETELL_BASE_URL are read from the
// environment. A batch costs money and can't be stopped: --retry-errors plays the test
// cases that had an error, or whose batch the platform does not have any more, once
// more, in a new one.
//
// Several apps are compared side by side under names of their own:
//
//	apps:
//	  small: {openai: {base_url: "https://…", model: small}}
//	  large: {openai: {base_url: "https://…", model: large}}
//
// A server of your own is started for the run and stopped afterwards, beside any
// app that talks to it:
//
//	start:
//	  command: [go, run, ./server]          # no shell
//	  ready: http://127.0.0.1:8080/health   # answers 2xx when it is ready
//	  wait: 30s
//	  env: {PORT: "8080"}                   # beside PATH, HOME, TMPDIR, LANG
//	  dir: server                           # below the suite's folder
//
// Results go to the local store always, and to a platform when asked. The
// dataset then has to be a version of one there:
//
//	publish:
//	  sgp:
//	    evaluation_id: ev_1                 # or evaluation: {name: nightly}
//	    application_spec_id: as_1           # default: the evaluation's, or a new one
//	    questions: {equals: q_1}            # question IDs by metric
//	    quiet_time: 2m                      # how long the platform may take a request late
//
// A batch whose posting broke off may be on the platform or not. What the
// evaluation does not have is posted again once the quiet time has passed since: it
// has to be longer than anything between here and the platform keeps a request.
//
// # YAML
//
// Unknown and duplicate keys are errors. A null, or nothing after a key, means
// the default. Numbers and booleans are fine where text is wanted and stay as
// they are written; durations need a unit, and a fraction such as a threshold may
// be a percentage. Aliases (&x, *x) work; merge keys (<<), tags and several
// documents do not. A file has at most 8 MB: larger datasets belong into files of
// their own.
//
// # Environment variables
//
// ${env:NAME} in a value stands for that variable, which has to be set and not
// empty. It is replaced once: what comes in is text, and is neither looked at
// again nor read as YAML; a number, a duration or a boolean may come in where
// one is wanted. Inside of { } and [ ] it needs quotes. $${env:NAME} stands for
// the text ${env:NAME}.
//
// Nothing is replaced in keys, in the name, in the description and in inline
// cases, which are data. [Suite].Secrets has the values, so that they can be
// kept out of everything that is shown or stored, however they are encoded there;
// errors do not show them. A value of less than 8 bytes is no secret: it would be
// found in ordinary text. Text
// that looks like a key of a well-known service is an error: the suite is stored
// with each run.
//
// # Paths
//
// Paths are relative to the suite and stay below its folder: one that is
// absolute, goes up or follows a symbolic link out of it is an error unless
// [Options].AllowPath is set.
package suite
