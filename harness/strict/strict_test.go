package strict_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/strict"
)

type judge struct {
	Model string  `yaml:"model" jsonschema:"required"`
	Heat  float64 `yaml:"temperature"`
}

type common struct {
	Name string `yaml:"name"`
}

type upper string

func (u *upper) DecodeYAML(n strict.Node) error {
	if n.Value == "bad" {
		return n.Errorf("expected anything but bad")
	}
	*u = upper(strings.ToUpper(n.Value))
	return nil
}

type options struct {
	common    `yaml:",inline"`
	Value     string            `yaml:"value"`
	Count     int               `yaml:"count"`
	Small     uint8             `yaml:"small"`
	Ratio     float64           `yaml:"ratio"`
	Strict    bool              `yaml:"strict"`
	Wait      time.Duration     `yaml:"wait"`
	Words     []string          `yaml:"words"`
	Env       map[string]string `yaml:"env"`
	Judge     *judge            `yaml:"judge"`
	Any       any               `yaml:"any"`
	Later     strict.Node       `yaml:"later"`
	Threshold *float64          `yaml:"threshold"`
	Upper     upper             `yaml:"upper"`
	Hidden    string            `yaml:"-"`
	Plain     string
}

func TestDecode(t *testing.T) {
	n, err := strict.Parse("a.yaml", []byte(`
name: inline
value: 1.10
count: 1_000
small: 0xff
ratio: 1e-2
strict: True
wait: 1m30s
words: [a, "2", 3]
env: {A: b}
judge:
  model: m
  temperature: 0.5
any: {list: [1, 2.5, true, null, text, 2024-01-02], nested: {}}
later: [x]
threshold: 0
upper: abc
plain: p
`))
	require.NoError(t, err)
	var o options
	require.NoError(t, n.Decode(&o))
	assert.Equal(t, "inline", o.Name)
	assert.Equal(t, "1.10", o.Value, "a number as text stays as it is written")
	assert.Equal(t, 1000, o.Count)
	assert.EqualValues(t, 255, o.Small)
	assert.Equal(t, 0.01, o.Ratio)
	assert.True(t, o.Strict)
	assert.Equal(t, 90*time.Second, o.Wait)
	assert.Equal(t, []string{"a", "2", "3"}, o.Words)
	assert.Equal(t, map[string]string{"A": "b"}, o.Env)
	assert.Equal(t, &judge{"m", 0.5}, o.Judge)
	assert.Equal(t, map[string]any{"list": []any{1.0, 2.5, true, nil, "text", "2024-01-02"}, "nested": map[string]any{}}, o.Any)
	assert.True(t, o.Later.Given())
	assert.Equal(t, 15, o.Later.Line)
	assert.Equal(t, "a.yaml", o.Later.File)
	assert.Equal(t, 0.0, *o.Threshold)
	assert.EqualValues(t, "ABC", o.Upper)
	assert.Equal(t, "p", o.Plain)
}

func TestDecodeErrors(t *testing.T) {
	for name, c := range map[string]struct{ yaml, want string }{
		"unknown key":        {"wrods: [a]", `a.yaml:1:1: unknown key "wrods"; did you mean "words"?`},
		"unknown, none near": {"xyzzy: 1", `a.yaml:1:1: unknown key "xyzzy"`},
		"unknown below":      {"judge:\n  model: m\n  temprature: 1", `a.yaml:3:3: unknown key "temprature"; did you mean "temperature"?`},
		"missing":            {"judge: {temperature: 1}", `a.yaml:1:8: "model" is missing`},
		"missing by null":    {"judge: {model: }", `a.yaml:1:8: "model" is missing`},
		"not a map":          {"judge: [a]", `a.yaml:1:8: expected a map, found a list`},
		"not a list":         {"words: hello", `a.yaml:1:8: expected a list, found "hello"`},
		"not text":           {"value: [a]", `a.yaml:1:8: expected text, found a list`},
		"not a number":       {"ratio: much", `a.yaml:1:8: expected a number, found "much"`},
		"quoted number":      {`ratio: "1"`, `a.yaml:1:8: expected a number, found "1"`},
		"nan":                {"ratio: .nan", `a.yaml:1:8: expected a number, found .nan`},
		"infinite":           {"ratio: 1e999", `a.yaml:1:8: expected a number, found "1e999"`},
		"not whole":          {"count: 2.5", `a.yaml:1:8: expected a whole number, found 2.5`},
		"too large":          {"small: 256", `a.yaml:1:8: expected a whole number that is not negative, found 256`},
		"negative":           {"small: -1", `a.yaml:1:8: expected a whole number that is not negative, found -1`},
		"yes":                {"strict: yes", `a.yaml:1:9: expected true or false, found "yes"`},
		"duration":           {"wait: 30", `a.yaml:1:7: expected a duration such as 30s or 1m30s, found 30`},
		"any, infinite":      {"any: [.inf]", `a.yaml:1:7: .inf has no JSON value`},
		"own decoder":        {"upper: bad", `a.yaml:1:8: expected anything but bad`},
		"hidden field":       {"hidden: x", `a.yaml:1:1: unknown key "hidden"`},
		"map value":          {"env: {A: [1]}", `a.yaml:1:10: expected text, found a list`},
		"several":            {"wrods: 1\ncount: x\nratio: {}", "a.yaml:1:1: unknown key \"wrods\"; did you mean \"words\"?\na.yaml:2:8: expected a whole number, found \"x\"\na.yaml:3:8: expected a number, found a map"},
		"escapes":            {`ratio: "\e[31m\u202E"`, `a.yaml:1:8: expected a number, found "\x1b[31m\u202e"`},
		"long":               {"ratio: " + strings.Repeat("x", 100), `a.yaml:1:8: expected a number, found "` + strings.Repeat("x", 60) + `…"`},
		"top level":          {"[a]", "a.yaml:1:1: expected a map, found a list"},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := strict.Parse("a.yaml", []byte(c.yaml))
			require.NoError(t, err)
			var o options
			assert.EqualError(t, n.Decode(&o), c.want)
		})
	}
}

func TestDecodeLeavesDefaults(t *testing.T) {
	n, err := strict.Parse("", []byte("count:\nwait: ~"))
	require.NoError(t, err)
	o := options{Count: 3, Wait: time.Second}
	require.NoError(t, n.Decode(&o))
	assert.Equal(t, 3, o.Count)
	assert.Equal(t, time.Second, o.Wait)

	require.NoError(t, strict.Node{}.Decode(&o))
	assert.Error(t, n.Decode(o), "not a pointer")
}

func TestInlineMapTakesTheRest(t *testing.T) {
	n, err := strict.Parse("", []byte("name: a\nx: 1\ny: 2"))
	require.NoError(t, err)
	var o struct {
		Name string             `yaml:"name"`
		Rest map[string]float64 `yaml:",inline"`
	}
	require.NoError(t, n.Decode(&o))
	assert.Equal(t, map[string]float64{"x": 1, "y": 2}, o.Rest)
}

func TestReplace(t *testing.T) {
	n, err := strict.Parse("a.yaml", []byte("count: \"${x}\"\nany: \"${x}\"\nstrict: z\nwait: \"${x}\""))
	require.NoError(t, err)
	n.Get("count").Replace("12")
	n.Get("any").Replace("12")
	n.Get("wait").Replace("2s")
	var o options
	assert.EqualError(t, n.Decode(&o), `a.yaml:3:9: expected true or false, found "z"`)
	n.Get("strict").Replace("true")
	require.NoError(t, n.Decode(&o))
	assert.Equal(t, 12, o.Count)
	assert.Equal(t, "12", o.Any)
	assert.Equal(t, 2*time.Second, o.Wait)
	n.Get("count").Replace("s3cret")
	n.Get("wait").Replace("s3cret")
	err = n.Decode(&o)
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "s3cret")
}

func TestErrorsAreCapped(t *testing.T) {
	var text strings.Builder
	for i := range 25 {
		text.WriteString("k" + strings.Repeat("q", i+9) + ": 1\n")
	}
	n, err := strict.Parse("a.yaml", []byte(text.String()))
	require.NoError(t, err)
	err = n.Decode(&options{})
	assert.Equal(t, 11, len(strings.Split(err.Error(), "\n")))
	assert.True(t, strings.HasSuffix(err.Error(), "\nand 15 more"))
	var one *strict.Error
	require.True(t, errors.As(err, &one))
	assert.Equal(t, 1, one.Line)
	assert.Contains(t, one.Hint, "known keys: any, count")
}

func TestJoin(t *testing.T) {
	assert.NoError(t, strict.Join(nil, nil))
	a, b := &strict.Error{File: "f", Line: 2, Message: "a"}, &strict.Error{File: "f", Line: 1, Column: 3, Message: "b"}
	assert.Equal(t, error(a), strict.Join(nil, a))
	assert.EqualError(t, strict.Join(errors.New("plain"), a, b, a), "f:1:3: b\nf:2: a\nplain")
}

func TestNearest(t *testing.T) {
	known := []string{"evaluators", "app", "apps", "contains", "icontains", "not-contains", "is-json"}
	for name, want := range map[string]string{
		"evaluator": "evaluators", "Evaluators": "evaluators", "eval": "evaluators", "evalutors": "evaluators",
		"contain": "contains", "IsJSON": "is-json", "is_json": "is-json", "aps": "app", "": "", "zzz": "", "q": "",
		strings.Repeat("a", 10000): "",
	} {
		assert.Equal(t, want, strict.Nearest(name, known), name)
	}
	assert.Empty(t, strict.Nearest("x", nil))
}

func TestPercentagesAndLists(t *testing.T) {
	for text, want := range map[string]float64{"80%": 0.8, "2.5 %": 0.025, "100%": 1} {
		n, err := strict.Parse("a.yaml", []byte("ratio: "+text))
		require.NoError(t, err)
		var o options
		require.NoError(t, n.Decode(&o))
		assert.InDelta(t, want, o.Ratio, 1e-12)
	}
	for text, want := range map[string]string{
		"ratio: '%'":              `a.yaml:1:8: expected a number, found "%"|`,
		"count: 50%":              `a.yaml:1:8: expected a whole number, found "50%"|`,
		"words: python3 bot.py":   `a.yaml:1:8: expected a list, found "python3 bot.py"|write [python3, bot.py]`,
		"words: go run ./x 'a b'": `a.yaml:1:8: expected a list, found "go run ./x 'a b'"|write [program, argument, …]`,
		"words: {a: b}":           `a.yaml:1:8: expected a list, found a map|`,
	} {
		n, err := strict.Parse("a.yaml", []byte(text))
		require.NoError(t, err)
		var e *strict.Error
		require.ErrorAs(t, n.Decode(&options{}), &e)
		assert.Equal(t, want, e.Error()+"|"+e.Hint)
	}
	n, err := strict.Parse("a.yaml", []byte("words: x"))
	require.NoError(t, err)
	n.Get("words").Replace("s3cret value")
	var e *strict.Error
	require.ErrorAs(t, n.Decode(&options{}), &e)
	assert.NotContains(t, e.Error()+e.Hint, "s3cret")
}
