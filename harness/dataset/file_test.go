package dataset_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/dataset"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func write(t testing.TB, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

// all reads every page of a dataset.
func all(t testing.TB, path string, o dataset.Options) ([]harness.Case, error) {
	t.Helper()
	f, err := dataset.Open(path, o)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var cases []harness.Case
	for cursor := ""; ; {
		p, err := f.Page(context.Background(), cursor)
		if err != nil {
			return cases, err
		}
		cases = append(cases, p.Cases...)
		if cursor = p.Next; cursor == "" {
			return cases, nil
		}
	}
}

func zipped(content string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(content))
	_ = z.Close()
	return b.String()
}

func TestFormatsGiveTheSameCases(t *testing.T) {
	want := []harness.Case{
		{ID: "a", Input: "hi, you", Expected: "hello\n\"you\""},
		{ID: "7", Input: "", Expected: "x"},
	}
	files := map[string]string{
		"x.jsonl":    "{\"id\":\"a\",\"input\":\"hi, you\",\"expected\":\"hello\\n\\\"you\\\"\"}\r\n\n{\"id\":7,\"question\":\"\",\"answer\":\"x\",\"secret\":1}",
		"x.json":     `[{"id":"a","input":"hi, you","expected":"hello\n\"you\""}, {"id":7,"prompt":"","ideal":"x"}]`,
		"keyed.json": `{"canary":["GUID"][0:0],"x":1}`,
		"x.csv":      "id,input,expected\na,\"hi, you\",\"hello\n\"\"you\"\"\"\n7,,x\n",
		"x.tsv":      "id\tinput\texpected\na\thi, you\t\"hello\n\"\"you\"\"\"\n7\t\tx\n",
		"x.yaml":     "- {id: a, input: 'hi, you', expected: \"hello\\n\\\"you\\\"\"}\n- id: 7\n  input: ''\n  target: x\n",
		"y.yml":      "about: [a, b]\nrows:\n  - {id: a, input: 'hi, you', expected: \"hello\\n\\\"you\\\"\"}\n  - {id: 7, input: '', output: x}\n",
	}
	files["keyed.json"] = `{"canary":"GUID","examples":` + files["x.json"] + `,"more":{"list":[1]}}`
	items := map[string]string{"y.yml": ".rows"}
	for name, content := range files {
		for _, form := range []string{"plain", "byte order mark", "gzip"} {
			t.Run(name+" "+form, func(t *testing.T) {
				content, file := content, name
				switch form {
				case "byte order mark":
					content = "\ufeff" + content
				case "gzip":
					content, file = zipped("\ufeff"+content), name+".gz"
				}
				for size := range 4 {
					cases, err := all(t, write(t, file, content), dataset.Options{PageSize: size, Items: items[name]})
					require.NoError(t, err)
					for i := range cases {
						assert.Contains(t, cases[i].Origin, file+":")
						cases[i].Origin = ""
					}
					assert.Equal(t, want, cases)
				}
			})
		}
	}
}

// A table whose header has semicolons and no comma is separated by semicolons.
func TestSemicolons(t *testing.T) {
	for content, want := range map[string]string{
		"id;input;expected\na;1,5 plus 1;2,5\n":      "1,5 plus 1",
		"\ufeffid;input;expected\r\na;\"x;y\";z\r\n": "x;y",
		"id,input,\"a;b\"\na,x;y,z\n":                "x;y",
	} {
		cases, err := all(t, write(t, "x.csv", content), dataset.Options{})
		require.NoError(t, err)
		require.Len(t, cases, 1)
		assert.Equal(t, "a", cases[0].ID)
		assert.Equal(t, want, cases[0].Input)
	}
	_, err := all(t, write(t, "x.tsv", "id;input\na;x\n"), dataset.Options{})
	assert.ErrorContains(t, err, `(it has "id;input")`, "a suffix that says tabs is believed")
}

// Rows goes on after a broken row where it can, and counts it.
func TestRowsGoOn(t *testing.T) {
	for name, tt := range map[string]struct {
		file, content string
		ids, errs     []string
	}{
		"lines":       {"x.jsonl", "{\"input\":\"a\"}\n{broken\n{\"input\":5}\n\n{\"input\":\"b\"}\n", []string{"1", "4"}, []string{"x.jsonl:2: not valid JSON", "x.jsonl:3: input: it is a number"}},
		"table":       {"x.csv", "input,id\nq,1\nq,2,3\n\xff,3\nq,4\n", []string{"1", "4"}, []string{"x.csv:3: the row has 3 cells", "x.csv:4: not valid UTF-8"}},
		"broken list": {"x.json", `[{"input":"a"},{"input":5},{"input":"b"},{]`, []string{"1", "3"}, []string{"x.json:1: input: it is a number", "not valid JSON"}},
		"broken cell": {"x.csv", "input\na\n\"b\nc\n", []string{"1"}, []string{"x.csv:3: "}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := dataset.Open(write(t, tt.file, tt.content), dataset.Options{})
			require.NoError(t, err)
			defer f.Close()
			for range 2 { // it begins anew
				var ids, errs []string
				for c, err := range f.Rows(t.Context()) {
					if err != nil {
						errs = append(errs, err.Error())
						continue
					}
					ids = append(ids, c.ID)
				}
				assert.Equal(t, tt.ids, ids)
				require.Len(t, errs, len(tt.errs), "%q", errs)
				for i := range errs {
					assert.Contains(t, errs[i], tt.errs[i])
				}
			}
			for range f.Rows(t.Context()) {
				break
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for _, err := range f.Rows(ctx) {
				require.ErrorIs(t, err, context.Canceled)
			}
		})
	}
}

func TestUTF16WithByteOrderMark(t *testing.T) {
	var b strings.Builder
	b.WriteString("\xff\xfe")
	for _, c := range "input,expected\nhé,x\n" {
		b.WriteByte(byte(c))
		b.WriteByte(byte(c >> 8))
	}
	cases, err := all(t, write(t, "excel.csv", b.String()), dataset.Options{})
	require.NoError(t, err)
	require.Len(t, cases, 1)
	assert.Equal(t, "hé", cases[0].Input)
}

func TestFieldsOfACase(t *testing.T) {
	path := write(t, "x.jsonl", `{"input":{"q":"hi"},"expected":[1,2.5,12345678901234567890],"extra":{"chunks":[]},"history":[{"role":"user"}],"metadata":{"lang":"en"},"cluster":12,"answer":"not this one","hidden":"x"}`)
	cases, err := all(t, path, dataset.Options{})
	require.NoError(t, err)
	assert.Equal(t, []harness.Case{{
		ID: "1", Input: map[string]any{"q": "hi"}, Expected: []any{1.0, 2.5, json.Number("12345678901234567890")},
		Extra: map[string]any{"chunks": []any{}}, History: []any{map[string]any{"role": "user"}},
		Metadata: map[string]any{"lang": "en"}, Cluster: "12", Origin: path + ":1",
	}}, cases)
}

func TestMapping(t *testing.T) {
	const rows = `{"task":"T1","a":{"b":"deep"},"a.c":"dotted","turns":["first","second"],"answer":"6*7\n#### 42","n":5,"none":null}`
	const cells = "task,a,a.c,Best Answer,n,metadata\nT1,x,dotted,\"6*7\n#### 42\",5,\"{\"\"k\"\": 1}\"\n"
	tests := []struct {
		name, file, content string
		mapping             map[string]string
		want                harness.Case
	}{
		{"names", "x.jsonl", rows, map[string]string{"id": "task", "input": "a.b", "expected": "a.c", "cluster": "n"},
			harness.Case{ID: "T1", Input: "deep", Expected: "dotted", Cluster: "5"}},
		{"paths", "x.jsonl", rows, map[string]string{"id": ".task", "input": ".a.b", "expected": ".nothing", "extra": ".none"},
			harness.Case{ID: "T1", Input: "deep"}},
		{"computed", "x.jsonl", rows, map[string]string{
			"id": `"x-" + .task`, "input": "{q: .turns[0], n}", "expected": `.answer | split("#### ")[1]`,
			"history": "[.turns[1]]", "metadata": "{task}", "extra": `(.n + 1)`, "cluster": `if .n > 3 then "big" else "small" end`,
		}, harness.Case{
			ID: "x-T1", Input: map[string]any{"q": "first", "n": 5.0}, Expected: "42", History: []any{"second"},
			Metadata: map[string]any{"task": "T1"}, Extra: 6.0, Cluster: "big",
		}},
		{"columns", "x.csv", cells, map[string]string{"input": "a", "expected": "Best Answer", "id": ".task"},
			harness.Case{ID: "T1", Input: "x", Expected: "6*7\n#### 42", Metadata: map[string]any{"k": 1.0}}},
		{"computed from columns", "x.csv", cells, map[string]string{"input": `.["a.c"]`, "expected": `.["Best Answer"] | split("#### ")[1] | tonumber`, "metadata": "{}"},
			harness.Case{ID: "1", Input: "dotted", Expected: 42.0, Metadata: map[string]any{}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cases, err := all(t, write(t, tt.file, tt.content), dataset.Options{Map: tt.mapping})
			require.NoError(t, err)
			require.Len(t, cases, 1)
			cases[0].Origin = ""
			assert.Equal(t, tt.want, cases[0])
		})
	}
}

func TestEmptyFilesHaveNoCases(t *testing.T) {
	for name, content := range map[string]string{
		"a.jsonl": "", "b.jsonl": "\n \n", "c.csv": "", "d.csv": "id,input\n", "e.json": "", "f.json": "[]",
		"g.json": `{"rows":[]}`, "h.yaml": "", "i.yaml": "[]", "j.yaml": "# nothing\n", "k.jsonl.gz": zipped(""), "l.json": " \n",
	} {
		t.Run(name, func(t *testing.T) {
			cases, err := all(t, write(t, name, content), dataset.Options{})
			require.NoError(t, err)
			assert.Empty(t, cases)
		})
	}
}

func TestBrokenFiles(t *testing.T) {
	const good = `{"input":"x"}` + "\n"
	long := `{"input":"` + strings.Repeat("x", 65<<20) + `"}`
	tests := []struct {
		file, content string
		options       dataset.Options
		want          string
	}{
		{"x.jsonl", good + good + "{\"input\": nope}\n" + good, dataset.Options{}, `x.jsonl:3: not valid JSON: invalid character 'o' in literal null (expecting 'u') (at character 12 of the row)`},
		{"x.jsonl", good + `{"input":"x`, dataset.Options{}, "x.jsonl:2: not valid JSON: unexpected end of JSON input (at character 11 of the row) (this is the last line; is the file complete?)"},
		{"x.jsonl", good + `{"input":"x"} {}`, dataset.Options{}, "x.jsonl:2: not valid JSON: invalid character '{' after top-level value"},
		{"x.jsonl", good + "\n{\"input\":\"caf\xe9\"}", dataset.Options{}, "x.jsonl:3: not valid UTF-8: save the file as UTF-8"},
		{"x.jsonl", good + long, dataset.Options{}, "x.jsonl:2: the row is longer than 64 MiB"},
		{"x.jsonl.gz", zipped(good + strings.Repeat("x", 65<<20)), dataset.Options{}, "x.jsonl.gz:2: the row is longer than 64 MiB"},
		{"x.jsonl.gz", zipped(strings.Repeat(good, 9999))[:40], dataset.Options{}, "the compressed data ends too early"},
		{"x.jsonl.gz", "\x1f\x8bnot gzip at all", dataset.Options{}, "open dataset "},
		{"x.jsonl", good + "7\n", dataset.Options{}, "x.jsonl:2: the row is a number, not an object"},
		{"x.jsonl", `{"inputs":"x"}`, dataset.Options{}, `x.jsonl:1: input: there is no field input, question, prompt (it has "inputs"): map one, as in map: {input: inputs}`},
		{"x.jsonl", `{}`, dataset.Options{}, `(it has none)`},
		{"x.jsonl", `{"answers":1,"customer_text":"x","id":2}`, dataset.Options{}, `(it has "answers", "customer_text", "id"): map one, as in map: {input: customer_text}, or --map input=customer_text`},
		{"x.jsonl", `{"a: b":"x","id":2}`, dataset.Options{}, `: map one, as in map: {input: "a: b"}`},
		{"x.csv", "id,Frage\n1,x\n", dataset.Options{}, `(it has "id", "Frage"): map one, as in map: {input: Frage}`},
		{"x.jsonl", good + `{"input":null}`, dataset.Options{}, "x.jsonl:2: input: it is null"},
		{"x.jsonl", `{"input":["a"]}`, dataset.Options{}, "x.jsonl:1: input: it is a list; want text or an object"},
		{"x.jsonl", `{"input":"x","metadata":"y"}`, dataset.Options{}, "x.jsonl:1: metadata: it is text; want an object"},
		{"x.jsonl", `{"input":"x","id":[1]}`, dataset.Options{}, "x.jsonl:1: id: it is a list; want text or a number"},
		{"x.jsonl", good, dataset.Options{Map: map[string]string{"id": "key"}}, `x.jsonl:1: id: there is no field "key" (it has "input")`},
		{"x.jsonl", good, dataset.Options{Map: map[string]string{"id": ".key"}}, "x.jsonl:1: id: it is empty"},
		{"x.jsonl", good, dataset.Options{Map: map[string]string{"expected": ".input.x.y"}}, "x.jsonl:1: expected: jq expression"},
		{"x.jsonl", good, dataset.Options{Map: map[string]string{"expected": ".input | error"}}, "x.jsonl:1: expected: jq expression"},
		{"x.jsonl", good, dataset.Options{Map: map[string]string{"inputs": "x"}}, `x.jsonl: map: a case has no field "inputs": it has cluster, expected, extra, history, id, input, metadata`},
		{"x.jsonl", good, dataset.Options{Map: map[string]string{"input": ".a["}}, "x.jsonl: map: input: jq expression"},
		{"x.jsonl", good, dataset.Options{Map: map[string]string{"input": " "}}, "x.jsonl: map: input: is empty"},
		{"x.txt", good, dataset.Options{}, `the suffix ".txt" says nothing of its format`},
		{"x.txt", good, dataset.Options{Format: "parquet"}, `unknown format "parquet": want jsonl, json, csv, tsv or yaml`},

		{"x.json", "[\n{\"input\":\"x\"},\n{\"input\":\"y\"\n,}]", dataset.Options{}, "x.json:4: not valid JSON: invalid character '}'"},
		{"x.json", "[\n{\"input\":\"x\"},\n{\"input\":\"caf\xe9\"}]", dataset.Options{}, "x.json:3: not valid UTF-8"},
		{"x.json", "[{\"input\":\"x\"},\n\n7]", dataset.Options{}, "x.json:3: the row is a number, not an object"},
		{"x.json", "[{\"input\":\"x\"},\n", dataset.Options{}, "is the file complete?"},
		{"x.json", "[{\"input\":\"x\"},\n{\"input\":", dataset.Options{}, "x.json:2: the document ends inside of the row that begins here"},
		{"x.json", "[{\"input\":\"x\"}\n", dataset.Options{}, "is the file complete?"},
		{"x.json", "[{\"input\":\"x\"}\n{\"input\":\"x\"}]", dataset.Options{}, "x.json:2: not valid JSON"},
		{"x.json", "[{\"input\":\"x\"}]\n[]", dataset.Options{}, "x.json:2: something follows the end of the document"},
		{"x.json", `{"rows":[{"input":"x"}]`, dataset.Options{}, "is the file complete?"},
		{"x.json", `{"a":1}`, dataset.Options{}, "x.json:1: the object holds no list of rows"},
		{"x.json", `{"b":[],"a":[]}`, dataset.Options{}, "x.json:1: the object holds several lists (a, b): say with items which has the rows, for instance .a"},
		{"x.json", `{"a":{"b":1}}`, dataset.Options{Items: ".a.b"}, "x.json:1: .a.b is not a list"},
		{"x.json", `{"a":{"b":1}}`, dataset.Options{Items: ".a.c"}, "x.json:1: there is no .a.c"},
		{"x.json", `{"a":7}`, dataset.Options{Items: ".a.c"}, "x.json:1: .a is not an object"},
		{"x.json", `{"a":7}`, dataset.Options{Items: ".a | keys"}, "x.json: items: jq expression"},
		{"x.json", `{"a":7}`, dataset.Options{Items: ".a + 1"}, "items: .a + 1 gives a number, not a list"},
		{"x.json", `"text"`, dataset.Options{}, "x.json:1: want a list of rows, or an object with a list in it"},
		{"x.json", `["` + strings.Repeat("x", 70<<20), dataset.Options{}, "x.json:1: the row is longer than 64 MiB"},
		{"x.json", strings.Repeat("[", 100_000), dataset.Options{}, "x.json:1: "},

		{"x.csv", "input,expected\na,b\nc\nd,e\n", dataset.Options{}, "x.csv:3: the row has 1 cells, the header has 2"},
		{"x.csv", "input,expected\n\"a\nb\",c\nd,e,f\n", dataset.Options{}, "x.csv:4: the row has 3 cells, the header has 2"},
		{"x.csv", "input\n\"a\nb\n", dataset.Options{}, "x.csv:2: the row that begins here is broken at line"},
		{"x.csv", "input\na\"b\n", dataset.Options{}, `x.csv:2: broken at character 2: bare " in non-quoted-field`},
		{"x.csv", "input\nok\ncaf\xe9\n", dataset.Options{}, "x.csv:3: not valid UTF-8"},
		{"x.csv", "input,\"input\"\n", dataset.Options{}, `x.csv:1: the header names the column "input" twice`},
		{"x.csv", "a;b\nc;d\n", dataset.Options{}, `x.csv:1: input: there is no column input, question, prompt (it has "a", "b"): map one, as in map: {input: a}`},
		{"x.csv", "input\n", dataset.Options{Map: map[string]string{"expected": "Answer"}}, `x.csv:1: expected: there is no column "Answer" (it has "input")`},
		{"x.csv", "input,metadata\nx,y\n", dataset.Options{}, "x.csv:2: metadata: the cell is not a JSON object"},
		{"x.csv", "input\n\"" + strings.Repeat("x", 70<<20), dataset.Options{}, "x.csv:2: the row is longer than 64 MiB"},

		{"x.yaml", "- input: x\n- input: [\n", dataset.Options{}, "x.yaml:"},
		{"x.yaml", "- input: x\n- 7\n", dataset.Options{}, "x.yaml:2: the row is a number, not an object"},
		{"x.yaml", "- input: x\n  input: y\n", dataset.Options{}, "x.yaml:2:"},
		{"x.yaml", "a: [1]\nb: [2]\n", dataset.Options{}, "x.yaml:1: the object holds several lists (a, b)"},
		{"x.yaml", "a: 1\n", dataset.Options{Items: ".b"}, `x.yaml:1:1: there is no "b" here`},
		{"x.yaml", "hello\n", dataset.Options{}, "x.yaml:1:1: want a list of rows"},
		{"x.yaml", strings.Repeat("- input: x\n", 1<<20), dataset.Options{}, "has to be read whole: JSON Lines have no limit"},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprintf("%d %s", i, tt.file), func(t *testing.T) {
			_, err := all(t, write(t, tt.file, tt.content), tt.options)
			require.ErrorContains(t, err, tt.want)
		})
	}
}

func TestLongLine(t *testing.T) {
	text := strings.Repeat("é", 5<<20)
	path := write(t, "x.jsonl", `{"input":"a"}`+"\n"+`{"input":"`+text+`"}`+"\n"+`{"input":"b"}`+"\n")
	cases, err := all(t, path, dataset.Options{})
	require.NoError(t, err)
	require.Len(t, cases, 3)
	assert.Equal(t, text, cases[1].Input)
	assert.Equal(t, "b", cases[2].Input)
	assert.Equal(t, path+":3", cases[2].Origin)
}

func TestItemsByExpression(t *testing.T) {
	for _, name := range []string{"x.json", "x.yaml"} {
		path := write(t, name, `{"a": [{"q": "1"}], "b": [{"q": "2"}]}`)
		cases, err := all(t, path, dataset.Options{Items: ".a + .b", Map: map[string]string{"input": "q"}})
		require.NoError(t, err)
		require.Len(t, cases, 2)
		assert.Equal(t, "2", cases[1].Input)
		assert.Equal(t, path+": item 2", cases[1].Origin)
	}
}

func TestCursorsAreRepeatable(t *testing.T) {
	var jsonl, list, table strings.Builder
	table.WriteString("input\n")
	for i := range 25 {
		fmt.Fprintf(&jsonl, "{\"input\":\"%d\"}\n\n", i)
		fmt.Fprintf(&list, ",{\"input\":\"%d\"}", i)
		fmt.Fprintf(&table, "%d\n", i)
	}
	for name, content := range map[string]string{
		"x.jsonl": jsonl.String(), "x.csv": table.String(),
		"x.json": "[" + list.String()[1:] + "]", "x.yaml": "[" + list.String()[1:] + "]",
		"y.json": `{"k":1,"rows":[` + list.String()[1:] + `],"z":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			f, err := dataset.Open(write(t, name, content), dataset.Options{PageSize: 10, Items: map[string]string{"y.json": ".rows"}[name]})
			require.NoError(t, err)
			defer f.Close()
			first := map[string]harness.Page{}
			for _, cursor := range []string{"", "10", "20", "10", "10", "", "20", "25", "3", "", ""} {
				p, err := f.Page(t.Context(), cursor)
				require.NoError(t, err)
				if before, seen := first[cursor]; seen {
					assert.Equal(t, before, p)
				}
				first[cursor] = p
			}
			assert.Equal(t, "10", first[""].Next)
			assert.Equal(t, "20", first["10"].Next)
			assert.Empty(t, first["20"].Next)
			assert.Len(t, first["20"].Cases, 5)
			assert.Empty(t, first["25"].Cases)
			assert.Equal(t, "4", first["3"].Cases[0].ID)
			assert.Equal(t, "3", first["3"].Cases[0].Input)
			for _, bad := range []string{"x", "-1", "26", "1e3"} {
				_, err := f.Page(t.Context(), bad)
				require.ErrorContains(t, err, "no page", bad)
			}
			require.NoError(t, f.Close())
			require.NoError(t, f.Close())
			p, err := f.Page(t.Context(), "20")
			require.NoError(t, err)
			assert.Equal(t, first["20"], p)
		})
	}
}

func TestAnErrorDoesNotMoveTheCursor(t *testing.T) {
	path := write(t, "x.jsonl", "{\"input\":\"1\"}\n{\"input\":\"2\"}\nbroken\n")
	f, err := dataset.Open(path, dataset.Options{PageSize: 2})
	require.NoError(t, err)
	defer f.Close()
	p, err := f.Page(t.Context(), "")
	require.NoError(t, err)
	for range 2 {
		_, err = f.Page(t.Context(), p.Next)
		require.ErrorContains(t, err, path+":3: ")
	}
	again, err := f.Page(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, p, again)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = f.Page(ctx, "")
	require.ErrorIs(t, err, context.Canceled)
}

func TestPagesOfLargeRowsAreShort(t *testing.T) {
	long := `"` + strings.Repeat("x", 300_000) + `"`
	for name, row := range map[string]string{
		"input":    `{"input":` + long + `}`,
		"metadata": `{"input":"x","metadata":{"page":[` + long + `]}}`,
	} {
		f, err := dataset.Open(write(t, "x.jsonl", strings.Repeat(row+"\n", 10)), dataset.Options{})
		require.NoError(t, err)
		n := 0
		for cursor := ""; ; {
			p, err := f.Page(t.Context(), cursor)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(p.Cases), 4, name)
			n += len(p.Cases)
			if cursor = p.Next; cursor == "" {
				break
			}
		}
		assert.Equal(t, 10, n)
		require.NoError(t, f.Close())
	}
}

func TestRowsBeforeABrokenOneAreGiven(t *testing.T) {
	path := write(t, "x.jsonl", "{\"input\":\"1\"}\n{\"input\":\"2\"}\nbroken\n{\"input\":\"4\"}\n")
	f, err := dataset.Open(path, dataset.Options{})
	require.NoError(t, err)
	defer f.Close()
	p, err := f.Page(t.Context(), "")
	require.NoError(t, err)
	assert.Len(t, p.Cases, 2)
	_, err = f.Page(t.Context(), p.Next)
	require.ErrorContains(t, err, path+":3: ")
}

func TestDigest(t *testing.T) {
	f, err := dataset.Open(write(t, "x.jsonl", ""), dataset.Options{})
	require.NoError(t, err)
	defer f.Close()
	d, err := f.Digest()
	require.NoError(t, err)
	assert.Equal(t, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", d)
}

// A file that is written to while it is read is never read as if it had not been.
func TestAFileThatChanges(t *testing.T) {
	rows := func(from, to int) string {
		var b strings.Builder
		for i := from; i < to; i++ {
			fmt.Fprintf(&b, "{\"id\": \"c%07d\", \"input\": \"x\"}\n", i)
		}
		return b.String()
	}
	later := time.Now().Add(time.Hour)
	write := func(t *testing.T, path, text string) {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, later, later)) // the clock of some file systems is coarse
	}
	for name, change := range map[string]func(t *testing.T, path string){
		"grows":    func(t *testing.T, path string) { write(t, path, rows(0, 10_001)) },
		"shrinks":  func(t *testing.T, path string) { write(t, path, rows(0, 5_000)) },
		"is empty": func(t *testing.T, path string) { write(t, path, "") },
		"moves":    func(t *testing.T, path string) { write(t, path, rows(1, 10_001)) },
		"breaks":   func(t *testing.T, path string) { write(t, path, strings.Repeat("}", len(rows(0, 10_000)))) },
		"touched":  func(t *testing.T, path string) { require.NoError(t, os.Chtimes(path, later, later)) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data.jsonl")
			require.NoError(t, os.WriteFile(path, []byte(rows(0, 10_000)), 0o600))
			f, err := dataset.Open(path, dataset.Options{PageSize: 1000})
			require.NoError(t, err)
			defer f.Close()
			_, err = f.Digest()
			require.NoError(t, err)
			page, err := f.Page(t.Context(), "")
			require.NoError(t, err)
			change(t, path)
			_, err = f.Page(t.Context(), page.Next)
			require.ErrorIs(t, err, dataset.ErrChanged)
			assert.ErrorContains(t, err, path)
			_, err = f.Page(t.Context(), page.Next)
			require.ErrorIs(t, err, dataset.ErrChanged, "it is not opened anew as if nothing had been")
			_, err = f.Digest()
			require.ErrorIs(t, err, dataset.ErrChanged)
		})
	}
	t.Run("replaced", func(t *testing.T) { // by a rename: the open one is whole
		path := filepath.Join(t.TempDir(), "data.jsonl")
		require.NoError(t, os.WriteFile(path, []byte(rows(0, 3000)), 0o600))
		f, err := dataset.Open(path, dataset.Options{PageSize: 1000})
		require.NoError(t, err)
		defer f.Close()
		first, err := f.Page(t.Context(), "")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path+".new", []byte(rows(7, 3007)), 0o600))
		if err := os.Rename(path+".new", path); err != nil {
			t.Skip("no open file can be replaced here: ", err)
		}
		second, err := f.Page(t.Context(), first.Next)
		require.NoError(t, err)
		assert.Equal(t, "c0001000", second.Cases[0].ID)
		_, err = f.Page(t.Context(), "")
		require.ErrorIs(t, err, dataset.ErrChanged, "to read it again would be another file")
	})
}
