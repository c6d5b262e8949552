package suite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

// App is an app that the suite names.
type App struct {
	// Name is its name under apps, or its kind when it is the only one.
	Name string
	// Kind is http, exec and so on.
	Kind string

	options strict.Node
}

var appName = regexp.MustCompile(`^[\pL\pN][\pL\pN ._/-]{0,63}$`)

// apps reads app or apps, and builds each once to see that it can be.
func (l *loader) apps() {
	if given := func(key string) bool { return l.root.Get(key).Given() }; l.options.GoApp && !given("app") && !given("apps") && !given("retell") {
		l.suite.Apps = []App{{Name: "go", Kind: "go"}}
		return
	}
	switch key, ok := l.oneOf(l.root, "the suite", "app", "apps", "retell"); {
	case !ok, key == "retell":
	case key == "app":
		if app, ok := l.app(l.at("app"), "app"); ok {
			app.Name = app.Kind
			l.suite.Apps = []App{app}
		}
	case l.doc.Apps.Node.Kind != yaml.MappingNode || len(l.doc.Apps.Content) == 0:
		l.fail(l.doc.Apps.Errorf("expected apps by name, such as {small: {http: …}, large: {http: …}}"))
	default:
		for _, p := range l.doc.Apps.Pairs() {
			if !appName.MatchString(p.Key.Value) {
				l.fail(p.Key.Errorf("%s is no name for an app; expected letters, digits, spaces and . _ / -", strict.Quote(p.Key.Value)))
			}
			if app, ok := l.app(p.Value, "app "+strict.Quote(p.Key.Value)); ok {
				app.Name = p.Key.Value
				l.suite.Apps = append(l.suite.Apps, app)
			}
		}
	}
}

// app reads one kind of app with its options, or a kind's name alone.
func (l *loader) app(n strict.Node, what string) (App, bool) {
	kinds := l.options.Targets.Names()
	var app App
	at := n
	switch {
	case n.Kind == yaml.ScalarNode && n.Given():
		app.Kind = n.Value
		app.options = noOptions(n)
	case n.Kind == yaml.MappingNode && len(n.Content) > 0:
		first := n.Pairs()[0]
		if rest := n.Pairs()[1:]; len(rest) > 0 {
			l.fail(twoKinds(what, first.Key, rest[0].Key, kinds))
			return app, false
		}
		at, app.Kind, app.options = first.Key, first.Key.Value, first.Value
		if !app.options.Given() {
			app.options = noOptions(first.Key)
		}
	default:
		l.fail(n.Errorf("expected one kind of app: %s", list(kinds)))
		return app, false
	}
	if !slices.Contains(kinds, app.Kind) {
		e := at.Errorf("unknown kind of app %s%s", strict.Quote(app.Kind), strict.Meant(app.Kind, kinds))
		e.Hint = "kinds: " + strings.Join(kinds, ", ")
		l.fail(e)
		return app, false
	}
	built, err := l.options.Targets.Build(app.Kind, app.options, target.Env{Dir: l.suite.Dir, Concurrency: 1, Replay: noReplay})
	if err != nil {
		l.fail(placed(at, err))
		return app, false
	}
	if c, ok := built.(io.Closer); ok {
		l.fail(placed(at, c.Close()))
	}
	return app, true
}

// noOptions is an empty map at the place of another node, so that options that
// are missing are missed.
func noOptions(at strict.Node) strict.Node {
	return strict.Node{File: at.File, Node: &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: at.Line, Column: at.Column}}
}

// twoKinds is the error about an app with two keys: either both are kinds, or one
// is a stranger.
func twoKinds(what string, first, second strict.Node, kinds []string) *strict.Error {
	if slices.Contains(kinds, first.Value) && slices.Contains(kinds, second.Value) {
		return second.Errorf("%s has two kinds: %s (%d:%d) and %s (%d:%d); keep one of them", what,
			first.Value, first.Line, first.Column, second.Value, second.Line, second.Column)
	}
	stranger := second
	if slices.Contains(kinds, stranger.Value) {
		stranger = first
	}
	e := stranger.Errorf("unknown key %s in %s%s", strict.Quote(stranger.Value), what, strict.Meant(stranger.Value, kinds))
	e.Hint = "an app is one kind with its options; kinds: " + strings.Join(kinds, ", ")
	return e
}

// noReplay stands for a stored run while the suite is checked.
func noReplay(context.Context, string) (harness.App, error) {
	return harness.AppFunc(func(context.Context, harness.Input) (harness.Output, error) {
		return harness.Output{}, errors.New("replay: no run was opened")
	}), nil
}

// App builds an app of the suite; "" is the only one. The env's Dir is the
// suite's folder unless it is set. An app that is an io.Closer has to be closed.
func (s *Suite) App(name string, env target.Env) (harness.App, error) {
	if env.Dir == "" {
		env.Dir = s.Dir
	}
	if env.Concurrency == 0 {
		env.Concurrency = s.Concurrency
	}
	if name == "" && len(s.Apps) == 1 {
		name = s.Apps[0].Name
	}
	if s.Retell != nil {
		return s.retellApp()
	}
	if s.values.App != nil {
		return borrowedApp{s.values.App}, nil
	}
	var names []string
	for _, a := range s.Apps {
		if a.Name == name {
			app, err := s.targets.Build(a.Kind, a.options, env)
			return app, scrub(err, s.Secrets)
		}
		names = append(names, a.Name)
	}
	return nil, fmt.Errorf("%s: no app %s; there are %s", s.Path, strict.Quote(name), list(names))
}

// Start is a server to start for the run.
type Start struct {
	// Command is the program and its arguments.
	Command []string
	// Ready is a URL that answers with status 2xx when the server is ready.
	Ready string
	// Wait is how long to wait for that.
	Wait time.Duration
	// Env is the environment, beside PATH, HOME, TMPDIR and LANG.
	Env map[string]string
	// Dir is the folder to start in, absolute.
	Dir string
}

func (l *loader) start() {
	doc, at := l.doc.Start, l.at("start")
	if doc == nil {
		return
	}
	s := &Start{Command: doc.Command, Env: doc.Env, Dir: l.suite.Dir}
	if len(s.Command) == 0 || s.Command[0] == "" {
		l.fail(at.Get("command").Errorf("expected a program and its arguments"))
	}
	s.Ready = doc.Ready.Value
	u, err := url.Parse(s.Ready)
	if doc.Ready.Kind != yaml.ScalarNode || err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		l.fail(doc.Ready.Errorf("expected a URL such as http://127.0.0.1:8080/health"))
	}
	s.Wait = l.duration(at.Get("wait"), "wait", doc.Wait, 30*time.Second)
	if doc.Dir.Given() {
		if doc.Dir.Kind != yaml.ScalarNode {
			l.fail(doc.Dir.Errorf("expected the path of a folder"))
		} else if err := l.suite.folder.directory(doc.Dir, doc.Dir.Value); err != nil {
			l.fail(err)
		} else {
			s.Dir = l.suite.folder.join(doc.Dir.Value)
		}
	}
	l.suite.Start = s
}
