package reporter

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/evalrun/evalrun/harness"
)

// corpora is where the hostile inputs made by others are.
const corpora = "../../shared/corpora"

func corpus(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(corpora + "/" + name)
	if err != nil || len(data) == 0 {
		if os.Getenv("CI") != "" {
			t.Fatalf("the corpus %s is missing: %v", name, err)
		}
		t.Skipf("the corpus %s is not here: %v", name, err)
	}
	return data
}

// hostile are strings that have broken programs.
func hostile(t testing.TB) []string {
	t.Helper()
	var out []string
	if err := json.Unmarshal(corpus(t, "blns.json"), &out); err != nil || len(out) < 500 {
		t.Fatalf("blns.json: %d strings, %v", len(out), err)
	}
	utf8tests := string(corpus(t, "utf8tests.bin"))
	out = append(out, string(corpus(t, "demo.vte")), utf8tests)
	out = append(out, strings.Split(utf8tests, "\n")...)
	out = append(out, strings.Split(string(corpus(t, "xss-payload-list.txt")), "\n")[:300]...)
	for c := range 256 {
		out = append(out, "a"+string([]byte{byte(c)})+"b", string(rune(c)))
	}
	for _, r := range "\u061c\u200b\u200c\u200d\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2060\u2061\u2064\u2066\u2067\u2068\u2069\u206a\u206f\ufeff\ufff9\ufffb\ufffc\ufffd\ufffe\uffff\ufdd0\u00ad\u034f\u115f\u3164\u180e\U000e0001\U000e0041\U0001fffe\U0010ffff\ufe0f" {
		out = append(out, string(r), "a"+string(r)+"b", string(r)+"=1+1", "x"+string(r)+"x\n")
	}
	out = append(out, "\xed\xa0\x80", "\xc0\xaf", "\xff\xfe", "\xf4\x90\x80\x80", "e"+strings.Repeat("\u0301", 50))
	for _, before := range []string{"", " ", "\t", "\n", "\r\n", "\u200b", "\ufeff", "\u00a0", "\x00", "'", `"`, ";", ","} {
		for _, formula := range []string{"=1+1", "+1+1", "-1+1", "@SUM(A1)", "=cmd|'/C calc'!A0", "＝1+1", "＋1", "－1", "＠A", "-1", "+1.5e3", "%0A=1"} {
			out = append(out, before+formula)
		}
	}
	return append(out,
		"::add-mask::secret", "  ::set-output name=x::y", "a\n::error::x", "##[error]x", "x ##vso[task.setvariable]y", "###[group]", "##teamcity[x]",
		"]]>", "<![CDATA[x]]>", "<!-- -->", "&amp;&lt;&#0;", "a|b", `a\|b`, `a\\|b`, "|---|---|", "``` \n```", "````", "`", "``", "a`b``c```d", " ` ", "\\`",
		"# heading", "- item", "1. item", "> quote", "---", "===", "* * *", "![x](http://x)", "[x](javascript:x)", "http://example.com", "www.example.com",
		"@octocat", "#123", "GH-1", "a@b.c", "<b>x</b>", "<details>", "</details>", ":smile:", "[^1]", "~~x~~", "**x**", "_x_", "\\", "    indented", "\n\n# x\n\n",
		strings.Repeat("`", 5000), strings.Repeat("|", 5000), strings.Repeat("x", 20_000), strings.Repeat("\x1b[31m", 5000), strings.Repeat("日", 5000),
	)
}

// hostileData has s in every text that a report can hold.
func hostileData(s string) Data {
	failed, trouble := false, &harness.Error{Kind: harness.ErrorKind(s), Message: s, Stack: s, Status: 500}
	c := func(id string, seq int64) harness.Case {
		return harness.Case{
			ID: id, Seq: seq, Input: s, Expected: s, Extra: s, History: []any{map[string]any{"role": s}},
			Metadata: map[string]any{s: s, "list": []any{s}}, Cluster: s,
		}
	}
	scores := []harness.Score{
		{Name: s, Value: 0.5, Pass: &failed, Reason: s, Metadata: map[string]any{s: s}},
		{Name: "judge", Error: trouble},
	}
	output := &harness.Output{
		Value: s, Chunks: []harness.Chunk{{Text: s, Metadata: map[string]any{s: s}}},
		ToolCalls: []harness.ToolCall{{Name: s, Args: map[string]any{s: s}, Result: s}},
		Metadata:  map[string]any{s: s},
	}
	structured := &harness.Output{Value: map[string]any{s: []any{s, 1.5, nil, true}}}
	results := []harness.Result{
		{Case: c(s, 0), Trial: 1, Output: output, Scores: scores[:1], Attempts: 1},
		{Case: c(s, 0), Trial: 2, Output: structured, Scores: scores[:1], Attempts: 1},
		{Case: c("error "+s, 1), Trial: 1, Error: trouble, Attempts: 1},
		{Case: c("error "+s, 1), Trial: 2, Output: output, Scores: scores, Attempts: 1},
	}
	fold := harness.NewFold(2)
	for _, r := range results {
		fold.Add(r)
	}
	r := fold.Report(3)
	r.RunID, r.Suite, r.App, r.Verdict = s, s, s, harness.Fail
	r.StartedAt = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r.Reasons, r.Warnings = []string{s}, []string{s}
	r.Reduce = s
	r.Gate = []harness.CheckResult{{Check: s, Verdict: harness.Fail, Reason: s, Comparisons: []harness.Comparison{
		{Metric: s, Base: 1, New: 0.5, Difference: -0.5, P: 0.01, Test: s, Pairs: 9, Worse: 5, Verdict: harness.Fail},
	}}}
	r.Publish = &harness.Publish{Platform: s, EvaluationID: s, Pending: 1, Rejected: 1, Error: s,
		Rejections: []harness.Receipt{{Key: harness.Key{Case: s, Trial: 1}, State: harness.PostRejected, Message: s}}}
	return Data{Report: r, Results: each(results)}
}

// forHostile runs check on a report full of each hostile string.
func forHostile(t *testing.T, r Reporter, check func(t *testing.T, s, out string)) {
	t.Helper()
	for _, s := range hostile(t) {
		out := write(t, r, hostileData(s))
		if check(t, s, out); t.Failed() {
			t.Fatalf("with %.500q:\n%.3000q", s, out)
		}
	}
}
