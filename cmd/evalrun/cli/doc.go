// Package cli is the evalrun command. A program of your own can be an evalrun
// with further evaluators:
//
//	func main() {
//		registry := evaluator.NewRegistry()
//		if err := registry.Add(evaluator.Func("polite", polite)); err != nil {
//			log.Fatal(err)
//		}
//		os.Exit(cli.Run(context.Background(), cli.Config{Evaluators: registry}))
//	}
//
// Such a program runs the command in a second process of itself, so that an
// evaluator which ends its process (os.Exit, a crash) can't pass for success: see
// Run. The exit codes are those of package runner.
package cli
