// Command own is an evalrun with an evaluator of its own, or with what OWN names, which
// ends the process.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/evalrun/evalrun/cmd/evalrun/cli"
	"github.com/evalrun/evalrun/evaluator"
	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/target"
	"github.com/evalrun/evalrun/reporter"
)

func main() {
	registry := evaluator.NewRegistry()
	if err := registry.Add(evaluator.Func("fate", fate)); err != nil {
		log.Fatal(err)
	}
	config := cli.Config{Evaluators: registry}
	switch os.Getenv("OWN") {
	case "target":
		config = cli.Config{Targets: target.NewRegistry()}
		if err := config.Targets.Add("fatal", harness.TextApp(func(context.Context, string) (string, error) {
			os.Exit(0)
			return "", nil
		})); err != nil {
			log.Fatal(err)
		}
	case "reporter":
		config = cli.Config{Reporters: reporter.NewRegistry()}
		if err := config.Reporters.Add("fatal", reporter.Func(func(io.Writer, reporter.Data) error {
			os.Exit(0)
			return nil
		})); err != nil {
			log.Fatal(err)
		}
	}
	code := cli.Run(context.Background(), config)
	os.Stderr.WriteString("main goes on\n")
	os.Exit(code)
}

// fate does what the answer says: "exit 0" ends the process.
func fate(_ context.Context, t harness.Trial) (harness.Score, error) {
	what, arg, _ := strings.Cut(t.Output.Text(), " ")
	if _, err := os.Stat("spare"); err == nil {
		what = ""
	}
	switch what {
	case "exit":
		code, _ := strconv.Atoi(arg)
		os.Exit(code)
	case "kill":
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "race":
		m := map[int]int{}
		for range 8 {
			go func() {
				for i := range 1 << 30 {
					m[i]++
				}
			}()
		}
		time.Sleep(time.Minute)
	case "overflow":
		overflow(0)
	case "memory":
		var all [][]byte
		for {
			all = append(all, make([]byte, 1<<24))
			for i := range all[len(all)-1] {
				all[len(all)-1][i] = 1
			}
		}
	case "sleep":
		d, _ := time.ParseDuration(arg)
		_ = os.WriteFile("asleep", []byte("x"), 0o600)
		time.Sleep(d)
	}
	return harness.Passed(), nil
}

func overflow(n int) int { return overflow(n+1) + n }
