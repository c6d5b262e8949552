package reporter

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
)

func TestJUnitHostile(t *testing.T) {
	forHostile(t, JUnit{}, func(t *testing.T, s, out string) {
		doc := parseJUnit(t, out)
		require.Len(t, doc.Suites, 1)
		suite := doc.Suites[0]
		require.Len(t, suite.Cases, 5, "one of them is the gate's, and one says that the run is incomplete")
		assert.Equal(t, "5 2 3 0", fmt.Sprint(suite.Tests, suite.Failures, suite.Errors, suite.Skipped))
		assert.NotEmpty(t, strings.TrimSpace(suite.Name))
		require.NotNil(t, suite.Cases[0].Failure)
		require.NotNil(t, suite.Cases[1].Error)
		assert.Contains(t, suite.Cases[0].Failure.Text, replaceRunes(clip(s, maxJUnitText), notXML))
	})
}

type junitDocument struct {
	Suites []struct {
		Name     string `xml:"name,attr"`
		Tests    int    `xml:"tests,attr"`
		Failures int    `xml:"failures,attr"`
		Errors   int    `xml:"errors,attr"`
		Skipped  int    `xml:"skipped,attr"`
		Cases    []struct {
			Name    string        `xml:"name,attr"`
			Class   string        `xml:"classname,attr"`
			Failure *junitOutcome `xml:"failure"`
			Error   *junitOutcome `xml:"error"`
			Skipped *junitOutcome `xml:"skipped"`
		} `xml:"testcase"`
	} `xml:"testsuite"`
}

type junitOutcome struct {
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

func parseJUnit(t *testing.T, out string) junitDocument {
	t.Helper()
	var doc junitDocument
	dec := xml.NewDecoder(strings.NewReader(out))
	require.NoError(t, dec.Decode(&doc))
	_, err := dec.Token()
	for err == nil {
		_, err = dec.Token()
	}
	require.ErrorIs(t, err, io.EOF)
	return doc
}

// TestJUnitSchema validates all of it with xmllint against the common schema.
func TestJUnitSchema(t *testing.T) {
	corpus(t, "JUnit.xsd")
	tool, err := exec.LookPath("xmllint")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("xmllint is missing (package libxml2-utils)")
		}
		t.Skip("xmllint is not here (package libxml2-utils)")
	}
	var files []string
	dir := t.TempDir()
	add := func(d Data) {
		name := filepath.Join(dir, fmt.Sprintf("%04d.xml", len(files)))
		require.NoError(t, os.WriteFile(name, []byte(write(t, JUnit{}, d)), 0o600))
		files = append(files, name)
	}
	add(fixture())
	add(Data{Report: harness.NewFold(1).Report(0)})
	add(Data{Report: doubtfulReport()})
	for _, s := range hostile(t) {
		add(hostileData(s))
	}
	validate := func(files ...string) ([]byte, error) {
		args := append([]string{"--noout", "--nonet", "--schema", corpora + "/JUnit.xsd"}, files...)
		return exec.Command(tool, args...).CombinedOutput()
	}
	out, err := validate(files...)
	if err != nil {
		var bad []string
		for _, line := range strings.Split(string(out), "\n") {
			if line != "" && !strings.HasSuffix(line, " validates") {
				bad = append(bad, line)
			}
		}
		t.Fatalf("%v\n%.4000s", err, strings.Join(bad, "\n"))
	}
	wrong := filepath.Join(dir, "wrong.xml")
	text := strings.Replace(write(t, JUnit{}, fixture()), ` hostname="localhost"`, "", 1)
	require.NoError(t, os.WriteFile(wrong, []byte(text), 0o600))
	_, err = validate(wrong)
	assert.Error(t, err, "xmllint does check")
}

func TestJUnitOutcomes(t *testing.T) {
	pass, fail := true, false
	with := func(id string, scores ...harness.Score) harness.Result {
		return harness.Result{Case: harness.Case{ID: id}, Trial: 1, Output: &harness.Output{Value: "x"}, Scores: scores}
	}
	trouble := &harness.Error{Kind: harness.KindEvaluator, Message: "no verdict"}
	results := []harness.Result{
		with("right", harness.Score{Name: "m", Value: 1, Pass: &pass}),
		with("wrong", harness.Score{Name: "m", Pass: &fail, Reason: "because"}),
		with("graded only", harness.Score{Name: "m", Value: 0.3}),
		with("nothing"),
		with("both", harness.Score{Name: "m", Pass: &fail, Reason: "because"}, harness.Score{Name: "j", Error: trouble}),
		{Case: harness.Case{ID: "app"}, Trial: 1, Error: &harness.Error{Kind: harness.KindTimeout, Message: "no answer within 1s"}},
	}
	report := &harness.Report{Suite: "s", Status: harness.Complete}
	doc := parseJUnit(t, write(t, JUnit{}, Data{Report: report, Results: each(results)}))
	var got []string
	for _, c := range doc.Suites[0].Cases {
		switch {
		case c.Failure != nil:
			got = append(got, c.Name+": failure "+c.Failure.Message)
		case c.Error != nil:
			got = append(got, c.Name+": error "+c.Error.Message)
		case c.Skipped != nil:
			got = append(got, c.Name+": skipped "+c.Skipped.Message)
		default:
			got = append(got, c.Name+": ok")
		}
	}
	assert.Equal(t, []string{
		"right: ok", "wrong: failure m: because", "graded only: skipped no evaluator says pass or fail",
		"nothing: skipped no evaluator says pass or fail", "both: error j: no verdict", "app: error no answer within 1s",
	}, got)
	s := doc.Suites[0]
	assert.Equal(t, "6 1 2 2", fmt.Sprint(s.Tests, s.Failures, s.Errors, s.Skipped))
}

// doubtfulReport has not one case that is red.
func doubtfulReport() *harness.Report {
	return &harness.Report{Suite: "s", App: "a", Status: harness.Complete, Verdict: harness.Inconclusive,
		Warnings: []string{"nothing was scored, so nothing is shown"}}
}

// TestJUnitIsRed checks that a reader of the test cases alone sees what the exit
// status says.
func TestJUnitIsRed(t *testing.T) {
	right := harness.Result{Case: harness.Case{ID: "right"}, Trial: 1, Output: &harness.Output{Value: "x"}, Scores: []harness.Score{harness.PassIf(true, "")}}
	red := func(r *harness.Report) []string {
		var out []string
		suite := parseJUnit(t, write(t, JUnit{}, Data{Report: r, Results: each([]harness.Result{right})})).Suites[0]
		failures, errors := 0, 0
		for _, c := range suite.Cases {
			switch {
			case c.Failure != nil:
				failures++
				out = append(out, c.Class+": "+c.Name+": failure: "+c.Failure.Message)
			case c.Error != nil:
				errors++
				out = append(out, c.Class+": "+c.Name+": error: "+c.Error.Message)
			}
		}
		assert.Equal(t, []int{len(suite.Cases), failures, errors}, []int{suite.Tests, suite.Failures, suite.Errors})
		return out
	}
	gated := &harness.Report{Suite: "s", App: "a", Status: harness.Complete, Verdict: harness.Pass, Gate: []harness.CheckResult{
		{Check: "latency.p95 <= 2s", Verdict: harness.Pass, Reason: "1.31s"},
	}}
	assert.Empty(t, red(gated))
	gated.Gate = append(gated.Gate,
		harness.CheckResult{Check: "equals.mean >= 0.9", Verdict: harness.Fail, Reason: "0.50"},
		harness.CheckResult{Check: "cost.total <= 1", Verdict: harness.Inconclusive, Reason: "no answer has a cost"})
	assert.Equal(t, []string{"gate: equals.mean >= 0.9: failure: 0.50", "gate: cost.total <= 1: error: no answer has a cost"}, red(gated))
	assert.Equal(t, []string{"s (a): the run is inconclusive: error: nothing was scored, so nothing is shown"}, red(doubtfulReport()))
	assert.Empty(t, red(&harness.Report{Suite: "s", Status: harness.Complete, Verdict: harness.Pass}))
}

func FuzzXMLText(f *testing.F) {
	for _, s := range []string{"", "]]>", "<&>\"'", "\x00\x1b\r\n\t", "\xff\ufffe", "&#0;"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var doc struct {
			Attr    string `xml:"a,attr"`
			Token   string `xml:"b,attr"`
			Content string `xml:",chardata"`
		}
		text := `<x a="` + xmlText(s) + `" b="` + xmlToken(s) + `">` + xmlContent(s) + `</x>`
		require.NoError(t, xml.Unmarshal([]byte(text), &doc))
		want := replaceRunes(s, notXML)
		assert.Equal(t, want, doc.Attr)
		assert.Equal(t, want, doc.Content)
		assert.NotContains(t, doc.Token, "\n")
	})
}
