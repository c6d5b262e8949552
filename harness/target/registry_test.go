package target_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

func TestRegistry(t *testing.T) {
	build := func(strict.Node, target.Env) (harness.App, error) { return nil, nil }
	r := target.NewRegistry()
	require.NoError(t, r.Define(target.Kind{Name: "shop", New: build}))
	for name, k := range map[string]target.Kind{
		"taken":       {Name: "shop", New: build},
		"built in":    {Name: "http", New: build},
		"no name":     {New: build},
		"a bad name":  {Name: "a shop", New: build},
		"a long name": {Name: strings.Repeat("a", 65), New: build},
		"no New":      {Name: "other"},
	} {
		assert.ErrorContains(t, r.Define(k), "target: define", name)
	}
	assert.ErrorContains(t, r.Add("none", nil), "the app is nil")
	assert.Equal(t, []string{"echo", "exec", "http", "openai", "replay", "shop"}, r.Names())
	assert.NotContains(t, target.NewRegistry().Names(), "shop", "other registries don't know it")

	_, err := r.Build("shop", strict.Node{}, target.Env{})
	assert.EqualError(t, err, "shop: New gave no app")
	_, err = r.Build("shop", options(t, "size: 1"), target.Env{})
	assert.ErrorContains(t, err, `suite.yaml:1:1: unknown key "size"`, "a kind without options takes none")
	_, err = r.Build("shopp", options(t, "{}"), target.Env{})
	assert.ErrorContains(t, err, `suite.yaml:1:1: unknown kind of app "shopp"; did you mean "shop"?`)
}

// limited is an app with something to close, and one process.
type limited struct{ closed int }

func (*limited) Respond(_ context.Context, in harness.Input) (harness.Output, error) {
	return harness.Output{Value: in.Value}, nil
}
func (*limited) MaxConcurrency() int { return 1 }
func (a *limited) Close() error {
	a.closed++
	return nil
}

// TestAddedAppsStayTheirOwners: they are not closed, and their limit holds.
func TestAddedAppsStayTheirOwners(t *testing.T) {
	r := new(target.Registry)
	require.NoError(t, r.Add("mine", &limited{}))
	require.NoError(t, r.Add("plain", harness.TextApp(func(context.Context, string) (string, error) { return "", nil })))
	for name, most := range map[string]int{"mine": 1, "plain": 0} {
		app, err := r.Build(name, strict.Node{}, target.Env{})
		require.NoError(t, err)
		_, closes := app.(io.Closer)
		assert.False(t, closes, name)
		assert.Equal(t, most, app.(target.Limited).MaxConcurrency(), name)
	}
}

// shoutOptions are what a suite says under the kind: app: {shout: {times: 3}}.
type shoutOptions struct {
	Times int `yaml:"times" json:"times" jsonschema_description:"How many exclamation marks."`
}

// A kind of app of your own, with options that suites give.
func ExampleRegistry_Define() {
	registry := target.NewRegistry()
	err := registry.Define(target.Kind{
		Name: "shout", Doc: "Answers with the input, louder.", Options: shoutOptions{},
		New: func(n strict.Node, _ target.Env) (harness.App, error) {
			o := shoutOptions{Times: 1}
			if err := n.Decode(&o); err != nil {
				return nil, err
			}
			return harness.TextApp(func(_ context.Context, input string) (string, error) {
				return strings.ToUpper(input) + strings.Repeat("!", o.Times), nil
			}), nil
		},
	})
	if err != nil {
		panic(err)
	}
	options, err := strict.Parse("suite.yaml", []byte("times: 3"))
	if err != nil {
		panic(err)
	}
	app, err := registry.Build("shout", options, target.Env{})
	if err != nil {
		panic(err)
	}
	out, err := app.Respond(context.Background(), harness.Input{Value: "hello"})
	fmt.Println(out.Value, err)
	// Output: HELLO!!! <nil>
}
