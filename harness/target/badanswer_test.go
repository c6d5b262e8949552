package target_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/shared"
)

// what answers each request with what is put into it.
func what(t *testing.T) (answer *atomic.Value, url string) {
	answer = &atomic.Value{}
	return answer, serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, answer.Load().(string))
	})
}

// refuses checks that an answer is an error that need not be tried again and can be
// shown.
func refuses(t *testing.T, app harness.App, name string) {
	t.Helper()
	_, err := ask(t, app, "hi")
	var e *harness.Error
	if !assert.ErrorAs(t, err, &e, name) {
		return
	}
	assert.True(t, e.Permanent, name)
	assert.Equal(t, 200, e.Status, name)
	assert.Less(t, len(e.Message), 1500, name)
	assert.False(t, strings.ContainsFunc(e.Message, unicode.IsControl), "%s: %q", name, e.Message)
}

func TestOpenAITruncated(t *testing.T) {
	answer, url := what(t)
	app := build(t, "openai", "{model: m, base_url: "+url+"}")
	for n := range len(completion) {
		answer.Store(completion[:n])
		refuses(t, app, completion[:n])
	}
	answer.Store(completion)
	_, err := ask(t, app, "hi")
	require.NoError(t, err)
	t.Logf("%d cut answers, 0 accepted", len(completion))
}

func TestOpenAIInvalidJSONCorpus(t *testing.T) {
	files := shared.Files(t, "corpora/jsontestsuite/n_*.json")
	require.Greater(t, len(files), 100)
	answer, url := what(t)
	app := build(t, "openai", "{model: m, base_url: "+url+"}")
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		answer.Store(string(data))
		refuses(t, app, filepath.Base(file))
		answer.Store(strings.Replace(completion, `"id"`, `"x":`+string(data)+`,"id"`, 1))
		refuses(t, app, "in a good one: "+filepath.Base(file))
	}
	t.Logf("%d files, 0 accepted", len(files))
}

// Answers deeper and larger than anything needs, for both kinds that speak HTTP.
func TestBombs(t *testing.T) {
	answer, url := what(t)
	apps := map[string]harness.App{
		"http": build(t, "http", "{url: "+url+"}"), "expression": build(t, "http", "{url: "+url+", output: .output}"),
		"openai": build(t, "openai", "{model: m, base_url: "+url+"}"),
	}
	const deep = 100_000
	for name, body := range map[string]string{
		"lists":        strings.Repeat("[", deep) + strings.Repeat("]", deep),
		"open lists":   strings.Repeat("[", deep),
		"objects":      strings.Repeat(`{"output":`, deep) + "1" + strings.Repeat("}", deep),
		"open objects": strings.Repeat(`{"output":`, deep),
		"choices":      strings.Repeat(`{"choices":[`, deep) + strings.Repeat("]}", deep),
		"an open text": `{"output": "` + strings.Repeat("x", 1<<20),
		"11 MB":        `{"output": "` + strings.Repeat("x", 11<<20) + `", "choices": [{"message": {"content": "x"}}]}`,
	} {
		answer.Store(body)
		for kind, app := range apps {
			refuses(t, app, kind+": "+name)
		}
	}
}
