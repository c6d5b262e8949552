package evaluator

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/evalrun/evalrun/harness/strict"
)

// schemaOptions are the options of the evaluators that take a JSON Schema.
type schemaOptions struct {
	Value any    `yaml:"value" json:"value,omitempty" jsonschema:"description=A JSON Schema: a map or true or false or a text with one."`
	File  string `yaml:"file" json:"file,omitempty" jsonschema:"description=A file with the JSON Schema (JSON or YAML) in the suite's folder."`
}

// schemaDoc is what the documentation of these evaluators says of schemas.
const schemaDoc = "Schemas are of draft 2020-12 unless $schema names another one, formats are checked, and $ref reaches within the schema only, never a file or the network."

// maxSchemaFile is how large a schema file may be, in bytes.
const maxSchemaFile = 5 << 20

// schema compiles the schema of the options; nil when there is none.
func (o Options) schema(opts schemaOptions) (*jsonschema.Schema, error) {
	switch {
	case opts.Value != nil && opts.File != "":
		return nil, o.At("file").Errorf(`give the schema as "value" or as "file", not both`)
	case opts.File != "":
		doc, err := readSchema(o.Env.Dir, opts.File)
		if err != nil {
			return nil, o.At("file").Errorf("schema file: %v", err)
		}
		s, err := compileSchema(doc)
		if err != nil {
			return nil, o.At("file").Errorf("schema file %s: %v", opts.File, err)
		}
		return s, nil
	case opts.Value != nil:
		s, err := compileSchema(opts.Value)
		if err != nil {
			return nil, o.At("value").Errorf("value: %v", err)
		}
		return s, nil
	}
	return nil, nil
}

// readSchema reads a file of the suite's folder, and of no other.
func readSchema(dir, name string) (any, error) {
	if dir == "" {
		dir = "."
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close() //nolint:errcheck // opened for reading
	info, err := root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // opening a pipe could keep us waiting for ever
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	data, err := io.ReadAll(io.LimitReader(f, maxSchemaFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxSchemaFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, maxSchemaFile)
	}
	return schemaText(name, string(data))
}

// schemaText reads a schema written in JSON or YAML.
func schemaText(name, text string) (any, error) {
	if v, err := decodeJSON(text); err == nil {
		return v, nil
	}
	n, err := strict.Parse(name, []byte(text))
	if err != nil {
		return nil, err
	}
	var v any
	return v, n.Decode(&v)
}

// compileSchema compiles a schema that is given as a value, or as text.
func compileSchema(v any) (*jsonschema.Schema, error) {
	var err error
	if text, ok := v.(string); ok {
		v, err = schemaText("schema", text)
	} else {
		v, err = toJSON(v)
	}
	if err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %w", err)
	}
	switch v.(type) {
	case map[string]any, bool:
	default:
		return nil, fmt.Errorf("not a JSON Schema: expected a map, found %s", kindOf(v))
	}
	const url = "schema:///"
	c := jsonschema.NewCompiler()
	c.UseLoader(noLoader{})
	c.AssertFormat()
	if err := c.AddResource(url, v); err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %w", err)
	}
	s, err := c.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("not a JSON Schema: %s", schemaProblem(err))
	}
	return s, nil
}

// noLoader refuses every reference out of the schema.
type noLoader struct{}

// Load refuses.
func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("$ref to %s: a schema may only refer to its own parts", show(url))
}

// schemaProblem says where a value or a schema does not conform, in one line.
func schemaProblem(err error) string {
	var wrong *jsonschema.SchemaValidationError
	if errors.As(err, &wrong) {
		err = wrong.Err
	}
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	var b strings.Builder
	p := message.NewPrinter(language.English)
	for _, leaf := range leaves(v, nil) {
		if b.Len() > maxReason {
			break
		}
		if b.Len() > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "at %s: %s", pathOf(leaf.InstanceLocation), leaf.ErrorKind.LocalizedString(p))
	}
	return b.String()
}

// leaves are the innermost errors, the first hundred of them.
func leaves(v *jsonschema.ValidationError, found []*jsonschema.ValidationError) []*jsonschema.ValidationError {
	if len(found) >= 100 {
		return found
	}
	if len(v.Causes) == 0 {
		return append(found, v)
	}
	for _, c := range v.Causes {
		found = leaves(c, found)
	}
	return found
}

// pathOf writes a path as /a/0/b, and the whole value as /.
func pathOf(parts []string) string { return "/" + cut(strings.Join(parts, "/"), 200) }
