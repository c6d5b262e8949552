package strict_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/internal/shared"
	"github.com/evalrun/evalrun/harness/strict"
)

func TestParseErrors(t *testing.T) {
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'k'; c++ {
		p := string(c - 1)
		bomb += string(c) + ": &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+p+", ", 10), ", ") + "]\n"
	}
	for name, c := range map[string]struct{ yaml, want string }{
		"duplicate key":     {"a: 1\nb: 2\na: 3", `f:3:1: duplicate key "a"; the first one is at 1:1`},
		"duplicate, quoted": {"1: x\n\"1\": y", `f:2:1: duplicate key "1"; the first one is at 1:1`},
		"duplicate below":   {"l:\n- {x: 1, x: 2}", `f:2:10: duplicate key "x"; the first one is at 2:4`},
		"two documents":     {"a: 1\n---\nb: 2", "f:2:1: a second document starts here; a file holds one"},
		"broken second":     {"a: 1\n---\nb: [", "f:3:1: not valid YAML: did not find expected node content"},
		"syntax":            {"a: b: c", "f:1:1: not valid YAML: mapping values are not allowed in this context"},
		"open brace":        {"a: 1\nb:\n  c: {d: e\nf: g\n", "f:3:3: not valid YAML: did not find expected ',' or '}'"},
		"wrong indent":      {"a: 1\n b: 2", "f:2:2: not valid YAML: mapping values are not allowed in this context"},
		"indent below":      {"x: 1\na:\n   b: 1\n  c: 2\n", "f:4:3: not valid YAML: did not find expected key"},
		"tab":               {"a:\n\tb: 1", "f:2:2: not valid YAML: found character that cannot start any token"},
		"unknown alias":     {"a: 1\nb: *nix", "f:2:4: unknown alias *nix: no value is marked &nix above"},
		"control character": {"a: 1\nb: x\x1b[31m", "f:2:5: control character 0x1b; this is not a text file"},
		"binary":            {"\x7fELF\x02\x01", "f:1:1: control character 0x7f; this is not a text file"},
		"invalid UTF-8":     {"a: é\xff", "f:1:5: byte 0xff is not UTF-8 text"},
		"UTF-16":            {"\xff\xfea\x00", "f:1:1: byte 0xff is not UTF-8 text"},
		"cycle":             {"a: &a [*a]", "f:1:8: alias *a stands within the value that it repeats"},
		"long cycle":        {"a: &a {b: &b [*a]}", "f:1:15: alias *a stands within the value that it repeats"},
		"bomb":              {bomb, "f:5:20: aliases repeat more than 50000 keys, values and items"},
		"alias key":         {"a: &a x\n*a : y", "f:2:1: an alias can't be a key"},
		"list key":          {"? [a]\n: b", "f:1:3: expected text as a key, found a list"},
		"no key":            {"? \n: b", "f:1:2: a key is missing here"},
		"merge key":         {"a: &a {x: 1}\nb:\n  <<: *a", "f:3:3: merge keys (<<) are not supported"},
		"tag":               {"a: !ruby/object x", `f:1:4: tag "!ruby/object" is not supported`},
		"binary tag":        {"a: !!binary aGk=", `f:1:4: tag "!!binary" is not supported`},
		"deep":              {strings.Repeat("[", 101) + strings.Repeat("]", 101), "f:1:101: lists and maps stand in each other more than 100 deep"},
		"very deep":         {strings.Repeat("[", 20000), "f:1:1: not valid YAML: exceeded max depth of 10000"},
		"too large":         {strings.Repeat("a", strict.MaxSize+1), "f: the file has 8.0 MB; the most is 8 MB"},
		"too many":          {"[" + strings.Repeat("a,", strict.MaxParts+1) + "]", "f: the file has more than 1000000 keys, values and items"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := strict.Parse("f", []byte(c.yaml))
			assert.EqualError(t, err, c.want)
		})
	}
}

func TestParse(t *testing.T) {
	for _, empty := range []string{"", "\n", "# only a comment\n", "---\n", "\xef\xbb\xbf"} {
		n, err := strict.Parse("f", []byte(empty))
		require.NoError(t, err, "%q", empty)
		assert.False(t, n.Given(), "%q", empty)
	}
	n, err := strict.Parse("f", []byte("\xef\xbb\xbfa: &x {k: v}\r\nb: *x\r\nc: [*x, 2]\r\n"))
	require.NoError(t, err)
	assert.Equal(t, "v", n.Get("b").Get("k").Value)
	assert.Equal(t, "v", n.Get("c").Items()[0].Get("k").Value)
	assert.NotSame(t, n.Get("a").Node, n.Get("b").Node, "an alias is a copy")
	assert.False(t, n.Get("d").Given())
	assert.Nil(t, n.Items())
	assert.Len(t, n.Pairs(), 3)
	assert.EqualError(t, n.Get("b").Errorf("oh"), "f:1:4: oh", "an alias points at what it repeats")
}

// suiteCase is one test of the YAML test suite (github.com/yaml/yaml-test-suite).
type suiteCase struct {
	Name string  `yaml:"name"`
	YAML string  `yaml:"yaml"`
	Fail bool    `yaml:"fail"`
	JSON *string `yaml:"json"`
}

var visible = strings.NewReplacer("␣", " ", "————»", "\t", "———»", "\t", "——»", "\t", "—»", "\t", "»", "\t", "↵", "", "∎\n", "", "←", "\r", "⇔", "\uFEFF")

// lenient are invalid documents of the test suite that the parser underneath
// reads all the same, in the way that their author most likely meant.
var lenient = []string{
	"9C9N/0", "9JBA/0", "CVW2/0", "DK95/1", "G5U8/0", "HRE5/0", "MUS6/0", "QB6E/0", "S98Z/0", "SU5Z/0", "X4QW/0", "Y79Y/3", "YJV2/0",
}

// otherwise are valid documents that the parser underneath reads otherwise than
// the test suite has it: a question mark that starts a word in a flow map, the
// last line break of a text, the tag "!", an anchor that holds a colon.
var otherwise = []string{"652Z/0", "HM87/1", "L24T/1", "S4JQ/0", "Y2GN/0"}

func TestYAMLTestSuite(t *testing.T) {
	files := shared.Files(t, "corpora/yaml-test-suite/*.yaml")
	require.Greater(t, len(files), 300)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var valid, accepted, compared int
	for _, file := range files {
		require.NoError(t, ctx.Err(), "stuck before %s", file)
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var cases []suiteCase
		require.NoError(t, yaml.Unmarshal(data, &cases), file)
		for i, c := range cases {
			name := fmt.Sprintf("%s/%d", strings.TrimSuffix(filepath.Base(file), ".yaml"), i)
			if c.YAML == "" && i > 0 {
				continue
			}
			n, err := strict.Parse(name, []byte(visible.Replace(c.YAML)))
			if c.Fail {
				assert.Equal(t, slices.Contains(lenient, name), err == nil, "%s: %v", name, err)
				continue
			}
			valid++
			if err != nil {
				continue // tags, several documents and such are valid YAML that we refuse
			}
			accepted++
			var got any
			if err := n.Decode(&got); err == nil && c.JSON != nil {
				var want any
				if json.Unmarshal([]byte(*c.JSON), &want) != nil {
					continue
				}
				compared++
				assert.Equal(t, !slices.Contains(otherwise, name), assert.ObjectsAreEqual(want, got), "%s: %v, not %v", name, got, want)
			}
		}
	}
	t.Logf("%d of %d valid documents accepted, %d compared with their JSON", accepted, valid, compared)
	assert.Greater(t, accepted, 200)
	assert.Greater(t, compared, 150)
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "a: &a [*a]", "a: 1\na: 2", "? [x]\n: y", "--- |\n x\n...\n", "!!binary x", "{a: b, c: [1, .nan]}", "a:\n\t- b"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := strict.Parse("f", data)
		if err != nil {
			var e interface{ Error() string } = err
			for _, line := range strings.Split(e.Error(), "\n") {
				if !strings.HasPrefix(line, "f:") && !strings.HasPrefix(line, "and ") {
					t.Errorf("an error without a place: %q", line)
				}
				if strings.ContainsFunc(line, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
					t.Errorf("a control character in an error: %q", line)
				}
			}
			return
		}
		var v any
		_ = n.Decode(&v)
		_ = n.Decode(&options{})
	})
}
