package cli_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/sgp/sgpserver"
	"github.com/evalrun/evalrun/harness/store"
)

// canaries are secrets, one for each place where a suite or the environment may
// have one. What starts, serves and scores in the test says all of them wherever it
// can; nothing that evalrun shows, keeps or sends may then have any.
func canaries() map[string]string {
	slots := map[string]string{
		"KEY_EXEC": "", "KEY_JSONL": "", "KEY_ARGUMENT": "", "KEY_HEADER": "", "KEY_PASSWORD": "", "KEY_QUERY": "", "KEY_BODY": "", "KEY_OPENAI": "",
		"KEY_START": "", "KEY_JUDGE": "", "KEY_TEXT": "", "SGP_API_KEY": "",
	}
	for name := range slots {
		sum := hex.EncodeToString([]byte(name)) + "5eCr3tCanary"
		slots[name] = "cAn-" + sum[len(sum)-22:] + `/+"<é&>'\=%41 ` + "zY9-" + sum[2:14]
	}
	slots["SGP_API_KEY"] = "cAnsGpKey-0f9Q/+=zz<>&-K7mW2xL8" // no space: it has to be a header by itself
	slots["KEY_LINES"] = "-----BEGIN CANARY-----\nq8ZrT0vXw3Jk5LmN7pQs9UvXy2Ab4Cd6\nEf8Gh0Ij1Kl3Mn5Op7Qr9St2Uv4Wx6Yz\n-----END CANARY-----\n"
	return slots
}

// leaks are the ways in which a secret may be said.
func leaks(s string) map[string]string {
	data, _ := json.Marshal(s)
	component := strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
	digits := hex.EncodeToString([]byte(s))
	said := map[string]string{
		"raw": s, "hex": digits, "HEX": strings.ToUpper(digits), "JSON": string(data[1 : len(data)-1]), "HTML": html.EscapeString(s),
		"query": url.QueryEscape(s), "path": url.PathEscape(s), "component": component,
		"query, lower": strings.NewReplacer("%2F", "%2f", "%2B", "%2b", "%3C", "%3c", "%3E", "%3e", "%C3%A9", "%c3%a9", "%5C", "%5c", "%3D", "%3d").Replace(component),
	}
	for name, enc := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64, URL": base64.RawURLEncoding} {
		said[name] = enc.EncodeToString([]byte(s))
		said[name+", with a user"] = enc.EncodeToString([]byte("user:" + s + "!"))
		said[name+", with a name"] = enc.EncodeToString([]byte("me:" + s + "!?"))
	}
	return said
}

// babble is everything that must not be passed on.
func babble(secrets map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		said := leaks(secrets[name])
		for _, form := range slices.Sorted(maps.Keys(said)) {
			b.WriteString(said[form] + " | ")
		}
	}
	return b.String()
}

// canaryApp is the child's side: KIND FILE, where the file has the secrets.
func canaryApp(kind, file string) {
	data, err := os.ReadFile(file)
	var secrets map[string]string
	if err != nil || json.Unmarshal(data, &secrets) != nil {
		os.Exit(3)
	}
	all := babble(secrets)
	switch kind {
	case "text":
		input, _ := io.ReadAll(os.Stdin)
		switch s := secrets["KEY_EXEC"]; string(input) {
		case "fail":
			fmt.Fprintln(os.Stderr, "denied: "+s)
		case "long": // the end that is kept begins within the secret
			fmt.Fprint(os.Stderr, strings.Repeat("x", 3000)+s+strings.Repeat("y", 2048-len(s)/2))
		case "panic":
			fmt.Fprintf(os.Stderr, "panic: %s\n\ngoroutine 1 [running]:\nmain.main(%q)\n\t/main.go:1\n", s, s)
		case "lines":
			fmt.Fprint(os.Stderr, secrets["KEY_LINES"]+"it failed\n")
		case "bytes":
			fmt.Print("\xff" + all)
			return
		default:
			fmt.Print(all)
			return
		}
		os.Exit(1)
	case "jsonl", "judge":
		in := bufio.NewScanner(os.Stdin)
		for in.Scan() {
			var request struct{ ID, Input string }
			_ = json.Unmarshal(in.Bytes(), &request)
			reply := map[string]any{"id": request.ID, "output": map[string]any{"said": all, all: 1}, "metadata": map[string]any{all: all},
				"chunks": []any{all}, "tool_calls": []any{map[string]any{"name": all, "args": map[string]any{"a": all}}}, "value": 0.5, "pass": false, "reason": all}
			switch request.Input {
			case "fail":
				reply = map[string]any{"id": request.ID, "error": all}
			case "long":
				fmt.Println(strings.Repeat("x", 180) + secrets["KEY_"+strings.ToUpper(kind)])
				continue
			case "panic":
				fmt.Fprintln(os.Stderr, all)
				os.Exit(1)
			case "lines":
				reply["id"] = all
			}
			line, _ := json.Marshal(reply)
			fmt.Printf("%s\n", line)
		}
	case "server": // says all, and ends when it was asked to
		fmt.Fprintln(os.Stderr, all)
		_ = http.ListenAndServe(os.Args[4], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/end" {
				fmt.Fprintln(os.Stderr, secrets["KEY_START"])
				os.Exit(1)
			}
		}))
	}
}

// nest is where the canaries live: a folder with the programs, the artefacts of all
// that is run in it, and what was sent.
type nest struct {
	*testing.T
	dir, secrets string // folder of the suite; file with the secrets
	env          []string
	all          map[string]string

	mu        sync.Mutex
	artefacts map[string][]byte
}

func newNest(t *testing.T) *nest {
	n := &nest{T: t, dir: t.TempDir(), all: canaries(), artefacts: map[string][]byte{}}
	bin := t.TempDir()
	self, err := os.Executable()
	require.NoError(t, err)
	for _, name := range []string{"evalrun", "testapp"} {
		require.NoError(t, os.Symlink(self, filepath.Join(bin, name)))
	}
	n.secrets = filepath.Join(bin, "secrets.json")
	data, err := json.Marshal(n.all)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(n.secrets, data, 0o600))
	n.env = []string{"PATH=" + bin + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + bin, "TMPDIR=" + t.TempDir()}
	for name, value := range n.all {
		if name == "KEY_PASSWORD" || name == "KEY_QUERY" { // they stand in a URL
			value = url.QueryEscape(value)
		}
		n.env = append(n.env, name+"="+value)
	}
	return n
}

func (n *nest) keep(name string, data []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.artefacts[fmt.Sprintf("%s (%d)", name, len(n.artefacts))] = bytes.Clone(data)
}

func (n *nest) write(name, text string) {
	require.NoError(n, os.WriteFile(filepath.Join(n.dir, name), []byte(text), 0o600))
}

// evalrun runs the command and keeps what it says.
func (n *nest) evalrun(code int, args ...string) (out []byte) {
	n.Helper()
	cmd := exec.Command(strings.TrimPrefix(strings.Split(n.env[0], string(os.PathListSeparator))[0], "PATH=")+"/evalrun", args...)
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = n.dir, n.env, &stdout, &stderr
	_ = cmd.Run()
	if code < 0 { // any, but for a bug
		code = cmd.ProcessState.ExitCode()
		assert.Contains(n, []int{0, 1, 2, 3, 4, 5}, code, "%v\n%.3000s", args, &stderr)
	}
	assert.Equal(n, code, cmd.ProcessState.ExitCode(), "%v\n%.3000s\n%.3000s", args, &stdout, &stderr)
	n.keep("stdout of "+strings.Join(args, " "), stdout.Bytes())
	n.keep("stderr of "+strings.Join(args, " "), stderr.Bytes())
	return stdout.Bytes()
}

// files keeps every file of the folder as it is now; the store has some only while
// a run goes on.
func (n *nest) files() {
	err := filepath.WalkDir(n.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // gone meanwhile
		}
		if data, err := os.ReadFile(path); err == nil {
			n.keep(filepath.Base(path), data)
		}
		return nil
	})
	assert.NoError(n, err)
}

// check looks for each form of each secret in each artefact.
func (n *nest) check() {
	n.files()
	n.mu.Lock()
	defer n.mu.Unlock()
	looked, redacted, hits := 0, 0, 0
	for artefact, data := range n.artefacts {
		for slot, secret := range n.all {
			parts := leaks(secret)
			parts["first half"] = secret[:len(secret)/2]
			parts["second half"] = secret[(len(secret)+1)/2:]
			for form, text := range parts {
				looked++
				if i := bytes.Index(data, []byte(text)); i >= 0 {
					if hits++; hits > 10 {
						continue
					}
					n.Errorf("%s has %s as %s: %.200q", artefact, slot, form, data[max(0, i-80):])
				}
			}
		}
		redacted += bytes.Count(data, []byte("[redacted]"))
	}
	forms := len(leaks("")) + 2
	assert.True(n, slices.ContainsFunc(slices.Collect(maps.Keys(n.artefacts)), func(name string) bool { return strings.HasPrefix(name, "evalrun.db-wal") }), "the store's journal was seen")
	assert.Zero(n, hits)
	assert.Greater(n, redacted, 1000, "they were there")
	n.Logf("%d artefacts × %d slots × %d forms: %d searches; %d redactions", len(n.artefacts), len(n.all), forms, looked, redacted)
}

// echo is an app that answers with whatever must not be passed on.
func (n *nest) echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n.files()
	all := babble(n.all)
	asked := func(input string) bool { return bytes.Contains(body, []byte(`"`+input+`"`)) }
	w.Header().Set("X-Leak", url.QueryEscape(all))
	switch {
	case asked("fail"):
		http.Error(w, all, http.StatusBadRequest)
	case asked("long"):
		w.Header().Set("Content-Type", "text/"+url.QueryEscape(n.all["KEY_HEADER"]))
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, strings.Repeat("x", 180)+n.all["KEY_HEADER"])
	case asked("panic"):
		w.Header().Set("Location", "https://"+hex.EncodeToString([]byte(n.all["KEY_HEADER"]))[:60]+".example/"+url.PathEscape(n.all["KEY_HEADER"]))
		w.WriteHeader(http.StatusFound)
	case asked("lines"):
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w, "<html>"+all)
	case strings.HasSuffix(r.URL.Path, "/chat/completions"):
		_ = json.NewEncoder(w).Encode(map[string]any{"id": all, "model": all, "choices": []any{map[string]any{"message": map[string]any{"content": all}}}})
	case asked("bytes"):
		_, _ = io.WriteString(w, "\xff"+all)
	default:
		_ = json.NewEncoder(w).Encode(map[string]any{"output": all, "metadata": map[string]any{all: r.Header}})
	}
}

const secretive = `name: secretive
dataset: {cases: [{id: a, input: ok, expected: x}, {id: b, input: fail}, {id: c, input: long, expected: x}, {id: d, input: panic}, {id: e, input: lines}, {id: f, input: bytes}]}
start: {command: [testapp, canary, server, "@SECRETS@", "127.0.0.1:@PORT@"], ready: "http://127.0.0.1:@PORT@/health", env: {KEY: "${env:KEY_START}", LINES: "${env:KEY_LINES}"}}
apps:
  text: {exec: {command: [testapp, canary, text, "@SECRETS@", "${env:KEY_ARGUMENT}"], env: {KEY: "${env:KEY_EXEC}"}}}
  lines: {exec: {command: [testapp, canary, jsonl, "@SECRETS@"], protocol: jsonl, env: {KEY: "${env:KEY_JSONL}"}}}
  server:
    http:
      url: "@URL@/answer?key=${env:KEY_QUERY}"
      headers: {Authorization: "Bearer ${env:KEY_HEADER}", Cookie: "a=b; sid=${env:KEY_HEADER}"}
      body: {input: "{{ .Input }}", key: "${env:KEY_BODY}"}
  model: {openai: {model: m, base_url: "@URL@", api_key: "${env:KEY_OPENAI}"}}
evaluators:
  - exec: {command: [testapp, canary, judge, "@SECRETS@"], env: {KEY: "${env:KEY_JUDGE}"}}
  - equals: {value: "${env:KEY_TEXT}", name: text}
  - contains: {value: "${env:KEY_TEXT} and more"}
  - not-contains: {value: "${env:KEY_TEXT}"}
  - regex: "${env:KEY_TEXT}$"
  - levenshtein: {value: "${env:KEY_TEXT}", threshold: 0.5}
  - starts-with: {value: "cAn-x"}
  - ends-with: {value: "${env:KEY_TEXT}…"}
  - is-json
  - json-diff: {value: {said: "${env:KEY_TEXT}"}}
retries: 0
concurrency: 2
reports: [{json: "out/{app}-own.json"}]
`

// TestNoSecretInAnyArtefact has every app, evaluator and server say all secrets in
// answers, errors and headers, and looks for them in all that evalrun writes.
func TestNoSecretInAnyArtefact(t *testing.T) {
	n := newNest(t)
	app := httptest.NewServer(http.HandlerFunc(n.echo))
	defer app.Close()
	port, err := freePort()
	require.NoError(t, err)

	suite := strings.NewReplacer("@SECRETS@", n.secrets, "@PORT@", fmt.Sprint(port),
		"@URL@", strings.Replace(app.URL, "http://", "http://me:${env:KEY_PASSWORD}@", 1)).Replace(secretive)
	n.write("suite.yaml", suite)
	n.write("broken.yaml", strings.NewReplacer("threshold: 0.5", `threshold: "${env:KEY_TEXT}"`, "retries: 0", `retries: "${env:KEY_EXEC}"`,
		"concurrency: 2", `gate: ["${env:KEY_JUDGE} >= 1", "${env:KEY_TEXT}"]`, "http://127.0.0.1", "${env:KEY_START}").Replace(suite))
	n.evalrun(2, "validate", "broken.yaml")
	n.evalrun(2, "run", "broken.yaml")
	reports := []string{}
	for _, format := range []string{"table", "json", "jsonl", "csv", "junit", "markdown"} {
		reports = append(reports, "-o", format+":out/{app}."+format)
	}
	n.evalrun(4, append([]string{"run", "suite.yaml", "--verbose"}, reports...)...)
	for _, app := range []string{"text", "lines", "server", "model"} {
		var report struct {
			RunID string `json:"run_id"`
		}
		require.NoError(t, json.Unmarshal(n.evalrun(4, "run", "suite.yaml", "--resume", "--app", app, "--json"), &report))
		for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
			n.evalrun(0, "show", report.RunID, "--case", id)
			n.evalrun(0, "show", report.RunID, "--case", id, "--json")
		}
		n.evalrun(4, "run", "suite.yaml", "--retry-errors", "--app", app)
	}
	n.evalrun(0, "show", "latest", "--verbose")
	n.evalrun(0, "list", "--json")
	for _, format := range []string{"table", "json", "jsonl", "csv", "junit", "markdown"} {
		n.evalrun(0, "report", "latest", "-o", format)
	}
	n.check()
}

// hostile is a platform that says all secrets: in its test cases, in answers to
// what is posted and, once, in the answer to a request of the fault's kind.
type hostile struct {
	*nest
	http.Handler
	fault atomic.Value // "KIND STATUS", or ""
	said  atomic.Value // the text with the secrets
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.keep("sent to the platform", append([]byte(r.URL.String()+"\n"), body...))
	quoted, _ := json.Marshal(h.said.Load())
	kind := "list"
	if r.Method == http.MethodPost {
		kind = "create"
	}
	if strings.HasSuffix(r.URL.Path, "/test-case-results/batch") {
		kind = "batch"
		h.files()
	}
	fault, status := "", 0
	if _, err := fmt.Sscan(h.fault.Load().(string), &fault, &status); err == nil && fault == kind {
		h.fault.Store("")
		w.Header().Set("Location", "https://"+hex.EncodeToString([]byte(h.all["SGP_API_KEY"]))+".example/?k="+url.QueryEscape(h.all["SGP_API_KEY"]))
		w.Header().Set("Retry-After", "1")
		w.Header().Set("Content-Type", "application/json")
		if status == 200 {
			w.Header().Set("Content-Type", "text/"+url.QueryEscape(h.all["SGP_API_KEY"]))
		}
		w.WriteHeader(status)
		if status == 422 {
			fmt.Fprintf(w, `{"detail": [{"loc": ["body", 0, "test_case_evaluation_data"], "msg": %s, "type": %s}]}`, quoted, quoted)
		} else {
			fmt.Fprintf(w, `{"detail": %s}`, quoted)
		}
		return
	}
	answer := httptest.NewRecorder()
	r.Body = io.NopCloser(bytes.NewReader(body))
	h.Handler.ServeHTTP(answer, r)
	text := bytes.ReplaceAll(answer.Body.Bytes(), []byte("PLANT"), quoted[1:len(quoted)-1])
	if kind == "batch" {
		text = bytes.ReplaceAll(text, []byte(`"label_status"`), append(append([]byte(`"said": `), quoted...), `, "label_status"`...))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.Code)
	_, _ = w.Write(text)
}

const publishing = `name: publishing
dataset: {sgp: {dataset_id: @DATASET@, version: 1}}
app: {exec: {command: [testapp, canary, text, "@SECRETS@"], env: {KEY: "${env:KEY_EXEC}", LINES: "${env:KEY_LINES}"}}}
evaluators: [equals, {exec: {command: [testapp, canary, judge, "@SECRETS@"], env: {KEY: "${env:KEY_JUDGE}", A: "${env:KEY_ARGUMENT}", B: "${env:KEY_BODY}", C: "${env:KEY_HEADER}", D: "${env:KEY_JSONL}", E: "${env:KEY_OPENAI}", F: "${env:KEY_PASSWORD}${env:KEY_QUERY}", G: "${env:KEY_START}", H: "${env:KEY_TEXT}"}}}]
publish: {sgp: {evaluation: {name: nightly}, quiet_time: 100ms}}
retries: 0
`

// TestNoSecretWithThePlatform has a platform say all secrets in what it answers,
// and looks for them in what it is sent too.
func TestNoSecretWithThePlatform(t *testing.T) {
	n := newNest(t)
	db, err := store.Open(t.TempDir())
	require.NoError(t, err)
	defer db.Close()
	platform := &hostile{nest: n, Handler: sgpserver.New(sgpserver.Config{Store: db})}
	platform.fault.Store("")
	key := babble(map[string]string{"": n.all["SGP_API_KEY"]}) // push and pull know of no other
	platform.said.Store(key)
	server := httptest.NewServer(platform)
	defer server.Close()
	n.env = append(n.env, "SGP_CLIENT_BASE_URL="+server.URL, "SGP_ACCOUNT_ID=account")

	n.write("cases.jsonl", `{"id": "a", "input": "ok", "expected": "x"}
{"id": "b", "input": "say PLANT", "expected": "PLANT"}
{"id": "c", "input": "fail", "expected": "x"}
`)
	var pushed struct {
		ID string `json:"dataset_id"`
	}
	require.NoError(t, json.Unmarshal(n.evalrun(0, "dataset", "push", "cases.jsonl", "--sgp", "name=x", "--json"), &pushed))
	n.write("suite.yaml", strings.NewReplacer("@SECRETS@", n.secrets, "@DATASET@", pushed.ID).Replace(publishing))
	n.evalrun(0, "dataset", "pull", "--sgp", "id="+pushed.ID+",version=1", "-o", "pulled.jsonl")
	platform.said.Store(babble(n.all))
	n.evalrun(-1, "run", "suite.yaml")
	for _, kind := range []string{"batch", "create", "list"} {
		for _, status := range []int{200, 302, 401, 422, 500} {
			platform.fault.Store(fmt.Sprint(kind, " ", status))
			n.evalrun(-1, "run", "suite.yaml", "-o", "table", "-o", fmt.Sprintf("json:%s%d.json", kind, status))
			n.evalrun(-1, "run", "suite.yaml", "--resume")
		}
	}
	platform.said.Store(key)
	for _, fault := range []string{"create 302", "create 403", "batch 422"} {
		platform.fault.Store(fault)
		n.evalrun(-1, "dataset", "push", "cases.jsonl", "--sgp", "name=y")
		platform.fault.Store(strings.Replace(fault, "create", "list", 1))
		n.evalrun(-1, "dataset", "pull", "--sgp", "id="+pushed.ID)
	}
	platform.fault.Store("")
	for _, format := range []string{"table", "json", "jsonl", "csv", "junit", "markdown"} {
		n.evalrun(0, "report", "latest", "-o", format)
	}
	n.evalrun(0, "list", "--json")
	n.check()
}
