// Package runner carries a suite from its file to a verdict: it opens the store,
// starts or resumes a run, builds the app and the evaluators, lets package
// harness do the work, posts the results where the suite says, and folds what is
// stored into a report that the gate judges.
//
// The evalrun command is a thin layer over it, and so is anything else that
// wants a suite run as the command runs it (Run), stored results scored again
// (Score), or their posting finished (Publish):
//
//	st, err := store.Open(".evalrun")
//	s, err := suite.Load("suites/quickstart.yaml", suite.Options{})
//	outcome, err := runner.Run(ctx, s, runner.Options{Store: st})
//	os.Exit(outcome.Code())
package runner
