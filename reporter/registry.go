package reporter

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/strict"
)

// Registry resolves the names of report formats. The zero value, and nil, know the
// built-in ones. Fill it before it is used; New and Formats may then be called from
// many goroutines.
type Registry struct {
	byFormat map[string]Reporter // nil: the built-in ones
}

// NewRegistry is a registry with the built-in formats, to add to.
func NewRegistry() *Registry { return &Registry{} }

// builtins have their defaults. Those with settings are exported structs.
func builtins() map[string]Reporter {
	return map[string]Reporter{
		"csv":      CSV{},
		"json":     JSON{},
		"jsonl":    JSONL{},
		"junit":    JUnit{},
		"markdown": Markdown{},
		"table":    Table{},
	}
}

func (r *Registry) all() map[string]Reporter {
	if r == nil || r.byFormat == nil {
		return builtins()
	}
	return r.byFormat
}

var formatName = regexp.MustCompile(`^[\pL\pN][\pL\pN_-]{0,63}$`)

// Add makes a format of your own known by its name: `reports: [{tally: out.txt}]`
// in a suite, `-o tally:out.txt` at the command. A name that is taken, or that is
// not of letters, digits, _ and - only, is an error.
func (r *Registry) Add(format string, own Reporter) error {
	if own == nil {
		return fmt.Errorf("reporter: add %q: the reporter is nil", format)
	}
	if !formatName.MatchString(format) {
		return fmt.Errorf("reporter: add %q: expected letters, digits, _ and -, at most 64", format)
	}
	all := r.all()
	if _, taken := all[format]; taken {
		return fmt.Errorf("reporter: add %q: the format is taken", format)
	}
	all[format] = own
	r.byFormat = all
	return nil
}

// New gives the reporter of a format. The built-in ones have their defaults; those
// with settings are exported structs: see [Table], [CSV] and [Markdown].
func (r *Registry) New(format string) (Reporter, error) {
	if own, ok := r.all()[format]; ok {
		return own, nil
	}
	return nil, fmt.Errorf("no report format %q: there are %s%s", format, strings.Join(r.Formats(), ", "), strict.Meant(format, r.Formats()))
}

// Formats are the names that New knows, sorted.
func (r *Registry) Formats() []string { return slices.Sorted(maps.Keys(r.all())) }

// New gives the reporter of a built-in format.
func New(format string) (Reporter, error) { return (*Registry)(nil).New(format) }

// Formats are the names of the built-in formats, sorted.
func Formats() []string { return (*Registry)(nil).Formats() }
