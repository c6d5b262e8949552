// Package retell connects evalrun with the batch tests of Retell: simulated
// callers talk to a voice agent, and Retell judges each conversation.
//
// A [Client] has a method for each endpoint. On top of them, [Client.Start] starts
// a batch once, and [Client.PlanPush] and [Client.Pull] keep test case definitions
// in a file.
//
//	client, err := retell.New(retell.ConfigFromEnv(os.Getenv))
//	...
//	intent, err := client.Intend(ctx, retell.CreateBatchTestRequest{
//		DefinitionIDs:  []string{"tc_1", "tc_2"},
//		ResponseEngine: retell.ResponseEngine{Type: retell.EngineLLM, LLMID: "llm_1"},
//	})
//	... // keep the intent
//	batch, err := client.Start(ctx, intent)
//
// # What the platform is trusted with
//
// The types keep fields and values that they do not know and write them back. A
// status that is not known is one of something that goes on. What they do insist
// on is that an answer is what was asked for: whole JSON, with an ID, a page with
// its items.
//
// # A batch is started once
//
// A batch costs money, can't be stopped, and the platform offers nothing that makes
// a repeated request safe. So a request is sent again only when it certainly was
// not taken. When no answer came, or none that can be read, the batches of the
// engine are listed, and the one that was not there before, fits by its engine, its
// number of test cases, its time and its runs, and is nobody else's, is adopted;
// see [Client.Adopt]. None, or several, are a [DoubtError]: then the [Intent] is
// all that is needed to look again, and DoubtError.Lost tells when a new one may be
// made. Times are by the platform's clock, as the header Date of its answers shows
// it.
//
// Name the version of an engine: without one the platform lists the batches of the
// latest, which may be another one by the time a batch is looked for. So a batch that
// is not listed is then never taken for one that did not come about: it stays in
// doubt.
//
// # A batch test in a run
//
// A [Source] gives test case definitions as cases, an [App] answers a trial of one
// with what became of its test run, and the [Evaluator] scores that: 1 for a pass,
// 0 for a fail. A run of error is an error of the app, and no verdict. So is a run
// that is missing, or there twice, in a batch that is complete; a batch that counts
// fewer passes than its runs have passes none of them. Other counts that do not add
// up, and runs of test cases that were not asked for, are warnings.
//
// The intent of each batch is kept with the run before it is sent, and its ID before
// it is waited for, so that a run that is killed goes on with the batches that it
// has. Batches are looked at with growing pauses, also while the platform is away or
// answers with errors of the server; one that has not come to its end by the deadline
// ends the run, which can be resumed. So do, at once, 401, 402, 403, and a batch that
// the platform does not have any more: --retry-errors plays its test cases once more.
// A platform that refuses calls (429, 503, 529) ends it when it has taken none for as
// long as Config.Hosts allows. Batches go on all the same: none can be stopped.
//
// # What runs for real
//
// A tool call that matches no mock of its test case runs the real tool, with all
// that it does. [Definitions.RealTools] says where that can happen.
//
// # What is not known
//
// The platform's documents do not say what it answers to an ID that it does not
// have, or that comes twice in a batch, in which order it lists, which of several
// mocks that match it takes, and which llm_model it takes when none is named. This
// package copes with each of the answers.
package retell
