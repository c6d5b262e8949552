package suite

import (
	"slices"
	"strings"

	"github.com/invopop/jsonschema"
	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness/strict"
)

// Report is a report to write at the end of a run.
type Report struct {
	Format string
	// Path is relative to the suite, "" for standard output. Suite.Create opens it.
	Path string
}

// reportDoc is a report as it is written: a format, or {format: path}.
type reportDoc struct {
	format, path strict.Node
}

var _ strict.Decoder = (*reportDoc)(nil)

// DecodeYAML reads "table" or {junit: out.xml}.
func (r *reportDoc) DecodeYAML(n strict.Node) error {
	switch {
	case n.Kind == yaml.ScalarNode:
		if format, path, ok := strings.Cut(n.Value, ":"); ok {
			e := n.Errorf("expected a format or {format: path}, found %s", strict.Quote(n.Value))
			e.Hint = "a path needs a space before it: " + format + ": " + path
			return e
		}
		r.format = n
	case len(n.Pairs()) == 1 && n.Pairs()[0].Value.Kind == yaml.ScalarNode:
		r.format, r.path = n.Pairs()[0].Key, n.Pairs()[0].Value
	default:
		return n.Errorf("expected a format such as table, or one format and its path such as {junit: out.xml}")
	}
	return nil
}

// JSONSchema is a format's name, or a map of one format to its path.
func (reportDoc) JSONSchema() *jsonschema.Schema { return oneReport(nil) }

// oneReport is that schema for these formats; nil for any.
func oneReport(formats []string) *jsonschema.Schema {
	name := &jsonschema.Schema{Type: "string"}
	for _, f := range formats {
		name.Enum = append(name.Enum, f)
	}
	return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{name, {
		Type: "object", MinProperties: count(1), MaxProperties: count(1),
		PropertyNames: name, AdditionalProperties: &jsonschema.Schema{Type: "string"},
	}}}
}

// reports checks the list of reports.
func (l *loader) reports() {
	written := map[string]strict.Node{}
	for _, r := range l.doc.Reports {
		if r.format.Node == nil {
			continue // an empty item
		}
		format := r.format.Value
		if known := l.options.Formats; known != nil && !slices.Contains(known, format) {
			e := r.format.Errorf("unknown report format %s%s", strict.Quote(format), strict.Meant(format, known))
			e.Hint = "formats: " + strings.Join(known, ", ")
			l.fail(e)
			continue
		}
		report := Report{Format: format}
		if r.path.Node != nil {
			report.Path = r.path.Value
			if err := l.suite.folder.output(r.path, report.Path); err != nil {
				l.fail(err)
				continue
			}
		}
		if first, twice := written[report.Path]; twice && report.Path != "" {
			l.fail(r.format.Errorf("%s gets two reports; the first one is at %d:%d", strict.Quote(report.Path), first.Line, first.Column))
			continue
		}
		written[report.Path] = r.format
		l.suite.Reports = append(l.suite.Reports, report)
	}
}
