package evaltest

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode"

	"github.com/evalrun/evalrun/harness"
)

// place is where the test stands.
type place struct {
	file string // the Go file, in the folder of the package
	dir  string // that folder, absolute
	root string // the folder of the module; "" when there is none
}

// here is the place of a test in a file: its folder, or, where that is not there,
// the current one, which go test makes that of the package.
func here(file string) (place, error) {
	dir := filepath.Dir(file)
	if _, err := os.Stat(file); err != nil || !filepath.IsAbs(file) { // -trimpath, or another machine
		if dir, err = os.Getwd(); err != nil {
			return place{}, fmt.Errorf("find the folder of the test: %w", err)
		}
	}
	p := place{file: filepath.Join(dir, filepath.Base(file)), dir: dir}
	for up := dir; ; up = filepath.Dir(up) {
		if _, err := os.Stat(filepath.Join(up, "go.mod")); err == nil {
			p.root = up
			break
		}
		if up == filepath.Dir(up) {
			break
		}
	}
	return p, nil
}

// testFile is the file of the test that is running: what package testing has called.
func testFile() string {
	var callers [64]uintptr
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers[:])])
	file := ""
	for {
		f, more := frames.Next()
		switch {
		case !more, f.Function == "testing.tRunner", f.Function == "testing.(*B).runN", f.Function == "runtime.goexit":
			return file
		}
		file = f.File
	}
}

// pkg is the folder of the package as an argument of go test in the module's.
func (p place) pkg() string {
	rel, err := filepath.Rel(p.root, p.dir)
	if p.root == "" || err != nil || rel == "." {
		return "."
	}
	return "./" + filepath.ToSlash(rel)
}

// name is the default name of an eval.
func (p place) name(test string) string {
	pkg := strings.TrimPrefix(p.pkg(), "./")
	if pkg == "." {
		pkg = p.module()
	}
	return pkg + "." + test
}

// module is the last element of the module's path, without a major version; that of
// the folder where there is no module.
func (p place) module() string {
	data, err := os.ReadFile(filepath.Join(p.root, "go.mod"))
	if p.root == "" || err != nil {
		return filepath.Base(p.dir)
	}
	for line := range strings.Lines(string(data)) {
		line, _, _ = strings.Cut(line, "//")
		if words := strings.Fields(line); len(words) == 2 && words[0] == "module" {
			name := strings.Trim(words[1], "\"`")
			if up, last := path.Split(name); up != "" && majorVersion.MatchString(last) {
				name = strings.TrimSuffix(up, "/")
			}
			return path.Base(name)
		}
	}
	return filepath.Base(p.dir)
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// rerun is the command that runs one test or subtest.
func (p place) rerun(test string, live bool) string {
	parts := strings.Split(test, "/")
	for i, part := range parts {
		parts[i] = "^" + regexp.QuoteMeta(part) + "$"
	}
	env := ""
	if live {
		env = envLive + "=1 "
	}
	pattern := strings.ReplaceAll(strings.Join(parts, "/"), "'", `\x27`) // within quotes of the shell
	return fmt.Sprintf("%sgo test -run '%s' %s", env, pattern, p.pkg())
}

// subtestNames gives the name of each case's subtest: its ID. For go test a case
// "a/b" is below a case "a", and -run can't choose it alone: where there are both it
// is called "a%2Fb".
func subtestNames(cases []harness.Case) func(id string) string {
	ids := map[string]bool{}
	if slices.ContainsFunc(cases, func(c harness.Case) bool { return strings.Contains(c.ID, "/") }) {
		for _, c := range cases {
			ids[spaceless(c.ID)] = true
		}
	}
	return func(id string) string {
		for i, r := range id {
			if r == '/' && ids[spaceless(id[:i])] {
				return strings.ReplaceAll(id, "/", "%2F")
			}
		}
		return id
	}
}

// spaceless is an ID as go test writes it.
func spaceless(id string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return '_'
		}
		return r
	}, id)
}
