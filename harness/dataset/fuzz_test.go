package dataset_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/dataset"
)

// FuzzRead reads any bytes in every format. The pages must not depend on their
// size, every case must have an ID, an input, a place and valid text, and every
// error must name the file.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"", "\n", `{"input":"a"}`, "{\"input\":\"a\"}\n{\"input\":{\"b\":1}}\n", "{\"input\":\"a\"}\nbroken",
		"input,expected\na,b\n\"c\nd\",\"\"\"\"\n", "\ufeffinput\nx", "input\n\"open\n", "a\tinput\n1\t2\n",
		`[{"input":"a"},{"question":"b","id":12345678901234567890}]`, `{"rows":[{"prompt":"x"}],"n":1}`, `{"a":[],"b":[]}`,
		"- input: a\n- {question: b, metadata: {k: v}}\n", "rows:\n- input: x\n", "&a [*a]", "\x1f\x8b", "\xff\xfei\x00", "caf\xe9",
	} {
		for format := range byte(5) {
			f.Add([]byte(seed), format)
		}
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, format byte) {
		formats := []string{"jsonl", "json", "csv", "tsv", "yaml"}
		path := filepath.Join(dir, "x."+formats[int(format)%len(formats)])
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		one, errOne := all(t, path, dataset.Options{PageSize: 1})
		many, errMany := all(t, path, dataset.Options{PageSize: 7})
		if (errOne == nil) != (errMany == nil) {
			t.Fatalf("page size 1: %v; page size 7: %v", errOne, errMany)
		}
		if errOne == nil && !reflect.DeepEqual(one, many) {
			t.Fatalf("%v\n%v", one, many)
		}
		for _, err := range []error{errOne, errMany} {
			if err != nil && !strings.Contains(err.Error(), path) {
				t.Fatalf("the error does not name the file: %v", err)
			}
		}
		for _, c := range one {
			check(t, c, path)
		}
	})
}

func check(t *testing.T, c harness.Case, path string) {
	if c.ID == "" || !strings.HasPrefix(c.Origin, path+":") {
		t.Fatalf("%+v", c)
	}
	switch in := c.Input.(type) {
	case string:
		if !utf8.ValidString(in) {
			t.Fatalf("%q", in)
		}
	case map[string]any:
	default:
		t.Fatalf("input %T", in)
	}
}
