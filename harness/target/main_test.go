package target_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

// childEnv makes the test binary behave as one of the programs below.
const childEnv = "TARGET_TEST_CHILD"

func TestMain(m *testing.M) {
	switch mode := os.Getenv(childEnv); mode {
	case "":
		goleak.VerifyTestMain(m)
	case "worker":
		worker()
	default:
		program(mode)
	}
}

// program answers one input.
func program(mode string) {
	switch mode {
	case "echo":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "line":
		in, _ := io.ReadAll(os.Stdin)
		fmt.Printf("%s\r\n", in)
	case "exit":
		fmt.Fprintln(os.Stderr, "boom")
		os.Exit(1)
	case "latin1":
		_, _ = os.Stdout.WriteString("caf\xe9")
	case "hang":
		time.Sleep(time.Hour)
	case "flood":
		for range 100 {
			_, _ = os.Stdout.WriteString(strings.Repeat("x", 1<<20))
		}
	case "grandchild":
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"=hang")
		cmd.Stdout = os.Stdout
		_ = cmd.Start()
		fmt.Println("answer")
	}
}

// worker answers each JSON line with its input as the output, or with the reply
// that the input holds.
func worker() {
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if err != nil {
			return
		}
		var request map[string]any
		if err := json.Unmarshal(line, &request); err != nil {
			os.Exit(9)
		}
		if text, ok := request["input"].(string); ok {
			if raw, ok := strings.CutPrefix(text, "reply "); ok {
				fmt.Println(raw)
				continue
			}
			if text == "exit" {
				fmt.Fprintln(os.Stderr, "boom")
				os.Exit(1)
			}
		}
		reply, _ := json.Marshal(map[string]any{"id": request["id"], "output": request["input"], "metadata": map[string]any{"request": request}})
		fmt.Printf("%s\n", reply)
	}
}

// options parses the options of an app.
func options(t testing.TB, yaml string) strict.Node {
	t.Helper()
	n, err := strict.Parse("suite.yaml", []byte(yaml))
	require.NoError(t, err)
	return n
}

// build makes an app, which is closed with the test.
func build(t testing.TB, kind, yaml string) harness.App {
	t.Helper()
	app, err := newApp(t, kind, yaml)
	require.NoError(t, err)
	if c, ok := app.(io.Closer); ok {
		t.Cleanup(func() { require.NoError(t, c.Close()) })
	}
	return app
}

func newApp(t testing.TB, kind, yaml string) (harness.App, error) {
	t.Helper()
	return target.New(kind, options(t, yaml), target.Env{Concurrency: 4})
}

// child is the YAML of a command that starts the test binary as a program.
func child(mode string) string {
	return fmt.Sprintf("command: [%q]\nenv: {%s: %s}\n", os.Args[0], childEnv, mode)
}

func ask(t testing.TB, app harness.App, input any) (harness.Output, error) {
	t.Helper()
	return app.Respond(t.Context(), harness.Input{ID: "case-1", Value: input, Trial: 1})
}

// reexec runs one test in a process of its own.
func reexec(test string, env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$")
	cmd.Env = append(os.Environ(), env...)
	return cmd
}
