package reporter

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/evalrun/evalrun/harness/strict"
)

// Registry resolves the names of report formats. Fill it before it is used; New
// and Formats may then be called from many goroutines.
type Registry struct {
	byFormat map[string]Reporter
}

// NewRegistry is a registry with all built-in formats. The reporters have their
// defaults; those with settings are exported structs: see [Table], [CSV] and
// [Markdown].
func NewRegistry() *Registry {
	return &Registry{byFormat: map[string]Reporter{
		"csv":      CSV{},
		"json":     JSON{},
		"jsonl":    JSONL{},
		"junit":    JUnit{},
		"markdown": Markdown{},
		"table":    Table{},
	}}
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
	if _, taken := r.byFormat[format]; taken {
		return fmt.Errorf("reporter: add %q: the format is taken", format)
	}
	if r.byFormat == nil {
		r.byFormat = map[string]Reporter{}
	}
	r.byFormat[format] = own
	return nil
}

// New gives the reporter of a format.
func (r *Registry) New(format string) (Reporter, error) {
	if own, ok := r.byFormat[format]; ok {
		return own, nil
	}
	return nil, fmt.Errorf("no report format %q: there are %s%s", format, strings.Join(r.Formats(), ", "), strict.Meant(format, r.Formats()))
}

// Formats are the names that New knows, sorted.
func (r *Registry) Formats() []string { return slices.Sorted(maps.Keys(r.byFormat)) }

// New gives the reporter of a built-in format.
func New(format string) (Reporter, error) { return NewRegistry().New(format) }

// Formats are the names of the built-in formats, sorted.
func Formats() []string { return NewRegistry().Formats() }
