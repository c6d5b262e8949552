package evaltest_test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

// TestScripts runs testdata/script, each in a copy of the fixture.
func TestScripts(t *testing.T) {
	f := compile(t)
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(e *testscript.Env) error {
			for _, pair := range f.env {
				name, value, _ := strings.Cut(pair, "=")
				e.Setenv(name, value)
			}
			e.Setenv("LEDGER", filepath.Join(e.WorkDir, "ledger"))
			e.Setenv("EVALS", f.program)
			e.Setenv("HOME", e.WorkDir)
			e.Cd = filepath.Join(e.WorkDir, "bot")
			return copyModule(e.WorkDir)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"evals": evals, "lines": lines, "reruns": reruns, "scale": scale, "gotestsum": gotestsum, "pushed": pushed,
		},
	})
}

// evals -FLAG... runs the tests of package bot as go test would, from the compiled
// binary.
func evals(ts *testscript.TestScript, neg bool, args []string) {
	full := []string{"-test.paniconexit0"}
	for _, arg := range args {
		if name, ok := strings.CutPrefix(arg, "-"); ok && !strings.HasPrefix(name, "evalrun") {
			arg = "-test." + name
		}
		full = append(full, arg)
	}
	err := ts.Exec(ts.Getenv("EVALS"), full...)
	if (err != nil) != neg {
		ts.Fatalf("the tests: %v", err)
	}
}

// lines N FILE wants so many lines in a file, which may not be there.
func lines(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	if data, err := os.ReadFile(ts.MkAbs(args[1])); err == nil {
		n = strings.Count(string(data), "\n")
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("%s has %d lines, expected %s", args[1], n, args[0])
	}
}

// scale serves a platform until the script ends.
func scale(ts *testscript.TestScript, _ bool, _ []string) {
	st, err := store.Open(ts.MkAbs("platform"))
	ts.Check(err)
	server := httptest.NewServer(sgpserver.New(sgpserver.Config{Store: st}))
	ts.Defer(func() { server.Close(); ts.Check(st.Close()) })
	ts.Setenv("SGP_CLIENT_BASE_URL", server.URL)
}

// gotestsum WANT ARG... runs that program, which has to print WANT. Where it can't be
// had that is skipped, and fails in CI.
func gotestsum(ts *testscript.TestScript, _ bool, args []string) {
	ctx, stop := context.WithTimeout(context.Background(), 5*time.Minute)
	defer stop()
	const program = "gotest.tools/gotestsum@v1.13.0"
	get := exec.CommandContext(ctx, "go", "run", program, "--version")
	get.Env = append(os.Environ(), "GOFLAGS=")
	if out, err := get.CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			ts.Fatalf("no gotestsum: %v\n%s", err, out)
		}
		ts.Logf("SKIPPED: no gotestsum: %v\n%s", err, out)
		return
	}
	cmd := exec.CommandContext(ctx, "go", append([]string{"run", program}, args[1:]...)...)
	cmd.Dir, cmd.Env = ts.MkAbs("."), append(os.Environ(), "GOFLAGS=")
	out, err := cmd.CombinedOutput()
	ts.Logf("%s", out)
	ts.Check(err)
	if !strings.Contains(string(out), args[0]) {
		ts.Fatalf("gotestsum does not print %q", args[0])
	}
}

// pushed takes the dataset's ID from what evalrun dataset push has said.
func pushed(ts *testscript.TestScript, _ bool, _ []string) {
	var said struct {
		ID string `json:"dataset_id"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &said))
	ts.Setenv("DATASET_ID", said.ID)
}

var rerunLine = regexp.MustCompile(`(?m)^ *rerun: +(.*)$`)

// reruns N PATTERN runs tests with N trials that are wrong, and then each command
// that they print through a shell: it has to ask for one trial, another one each
// time.
func reruns(ts *testscript.TestScript, _ bool, args []string) {
	evals(ts, true, []string{"-run", args[1]})
	commands := rerunLine.FindAllStringSubmatch(ts.ReadFile("stdout"), -1)
	if strconv.Itoa(len(commands)) != args[0] {
		ts.Fatalf("%d commands, expected %s", len(commands), args[0])
	}
	shim := ts.MkAbs("shim")
	ts.Check(os.MkdirAll(shim, 0o755))
	// What the shell makes of the command is what counts here, so that go test need
	// not compile the package each time.
	const script = "#!/bin/sh\n[ \"$1 $2\" = 'test -run' ] && cd \"$WORK/$4\" && exec \"$EVALS\" -test.run \"$3\"\n"
	ts.Check(os.WriteFile(filepath.Join(shim, "go"), []byte(script), 0o755))
	asked := map[string]string{}
	ledger := ts.Getenv("LEDGER")
	for _, command := range commands {
		ts.Check(os.RemoveAll(ledger))
		cmd := exec.Command("sh", "-c", command[1])
		cmd.Dir = ts.Getenv("WORK")
		cmd.Env = append(os.Environ(), "PATH="+shim+string(os.PathListSeparator)+ts.Getenv("PATH"),
			"WORK="+cmd.Dir, "EVALS="+ts.Getenv("EVALS"), "LEDGER="+ledger)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), "--- FAIL") {
			ts.Fatalf("%s\nfailed nothing: %v\n%s", command[1], err, out)
		}
		line := ts.ReadFile(ledger)
		if strings.Count(line, "\n") != 1 || asked[line] != "" {
			ts.Fatalf("%s\nasked for\n%sas did %s", command[1], line, asked[line])
		}
		asked[line] = command[1]
	}
}
