// Package runner carries a suite from its file to a verdict: it opens the store,
// starts or resumes a run, builds the app and the evaluators, lets package
// harness do the work, posts the results where the suite says, and folds what is
// stored into a report that the gate judges.
//
// The evalrun command is a thin layer over it, and so is anything else that
// wants a suite run as the command runs it (Run), stored results scored again
// (Score), or their posting finished (Publish):
//
//	func run(ctx context.Context) (int, error) {
//		st, err := store.Open(".evalrun")
//		if err != nil {
//			return 0, err
//		}
//		defer st.Close()
//		s, err := suite.Load("suites/quickstart.yaml", suite.Options{})
//		if err != nil {
//			return 0, err
//		}
//		outcome, err := runner.Run(ctx, s, runner.Options{Store: st})
//		if err != nil {
//			return runner.CodeOf(err), err
//		}
//		return outcome.Code(), nil // 0 when the gate passed
//	}
package runner
