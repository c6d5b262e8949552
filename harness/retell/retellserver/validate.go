package retellserver

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// schema holds what the contract says of the bodies of requests, and the models
// of the newer official clients.
//
//go:embed schema.json
var schema []byte

// bodies are the compiled schemas, by their name in schema.json.
var bodies = sync.OnceValue(func() map[string]*jsonschema.Schema {
	const url = "schema:///"
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		panic(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource(url, doc); err != nil {
		panic(err)
	}
	out := map[string]*jsonschema.Schema{}
	for _, name := range []string{"create", "update", "batch"} {
		out[name] = c.MustCompile(url + "#/$defs/" + name)
	}
	return out
})

// validate refuses a body that is not as the contract says, with up to ten places.
func validate(name string, body []byte) error {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return badRequest("The body is not JSON: " + err.Error() + ".")
	}
	err = bodies()[name].Validate(doc)
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	all := problems(invalid)
	if len(all) > 10 {
		all = append(all[:10], fmt.Sprintf("and %d more", len(all)-10))
	}
	return badRequest(strings.Join(all, "; ") + ".")
}

// problems are the innermost causes: the others say that one of them failed.
func problems(e *jsonschema.ValidationError) []string {
	if len(e.Causes) == 0 {
		place := "/" + strings.Join(e.InstanceLocation, "/")
		return []string{place + ": " + e.ErrorKind.LocalizedString(message.NewPrinter(language.English))}
	}
	var out []string
	for _, cause := range e.Causes {
		out = append(out, problems(cause)...)
	}
	return out
}
