// Package sgp connects evalrun with the Scale GP platform, API version 4: test
// cases come from there, results go there.
//
// A [Client] has a method for each endpoint. On top of it, a [Source] reads the
// cases of a dataset, a [Publisher] posts a run's results in
// batches and finds out what became of them when something breaks, [Push] and
// [Pull] move cases between a file and a dataset.
//
//	client, err := sgp.New(sgp.ConfigFromEnv(os.Getenv))
//	...
//	report, err := harness.Run(ctx, harness.Config{
//		Source: &sgp.Source{Client: client, DatasetID: "ds_1", Version: 3},
//		...
//	})
//
// # What the platform is trusted with
//
// The types keep fields that they do not know and write them back, take unions
// by their discriminator or, without one, by their content, and refuse no value
// that the platform may add later. What they do insist on is that an answer is
// what was asked for: whole JSON, with an ID, a list with its total, a batch as
// long as the one that was sent.
//
// Numbers are float64; an integer beyond 2^53 is a json.Number, so that nothing
// is rounded on its way through.
//
// # What is read
//
// A published version is read page by page while the run goes on. A live dataset
// can change between two pages, so that cases come twice or not at all, and even
// a count that is right proves nothing: a case that is archived and one that is
// added cancel each other out. So it is read whole first, and again until it is
// certain what it held at one instant; see [Source]. [ErrChanged] says that it did
// not hold still.
//
// # What is posted
//
// One trial is one item: test_case_id is the case's ID, generation_output the
// answer, generation_extra_info the passages that were retrieved. result maps
// each score's question, by Publisher.Questions or the score's own name, to its
// value: a number, 1 and 0 for evaluators that only pass or fail. Scores that
// are errors are left out. A trial without an answer is posted with an empty
// output and its error as extra info. The label status is the platform's to set.
//
// The platform offers nothing that makes a repeated POST safe, and can't delete
// a result. So a batch is never sent twice unless it is certain that the first
// did not arrive, and each item carries a [RunKey] by which it is recognised
// when a batch's fate was left open: it is looked for, and what is missing is
// posted again after a quiet time. That loses nothing; it also duplicates nothing,
// provided that the platform takes no request later than that. When all is posted
// an audit reads the results back and counts what is lost, duplicated or
// unexpected. A platform that does not give run keys back is audited by its IDs.
//
// # What is not known
//
// The platform's documents do not say whether a batch is taken as a whole, keeps
// its order, or refuses duplicates, which of its versions it accepts results
// for, or how large a batch may be. This package copes with each of the answers.
package sgp
