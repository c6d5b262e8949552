// Package cli is the evalrun command. A program of your own can be an evalrun
// with evaluators, kinds of app and report formats of its own:
//
//	func main() {
//		evaluators, targets, reporters := evaluator.NewRegistry(), target.NewRegistry(), reporter.NewRegistry()
//		if err := errors.Join(
//			evaluators.Add(evaluator.Func("polite", polite)), // evaluators: [polite]
//			targets.Add("shop", harness.TextApp(answer)),     // app: shop
//			reporters.Add("brief", reporter.Func(brief)),     // reports: [{brief: out.txt}]
//		); err != nil {
//			log.Fatal(err)
//		}
//		os.Exit(cli.Run(context.Background(), cli.Config{Evaluators: evaluators, Targets: targets, Reporters: reporters}))
//	}
//
// All commands know them: run, validate, schema, report and the rest; a misspelled
// name gets the nearest one as a hint. examples/customcommand is such a program.
//
// It runs the command in a second process of itself, so that code of yours which
// ends its process (os.Exit, a crash) can't pass for success: see Run. The exit
// codes are those of package runner.
package cli
