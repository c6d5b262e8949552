package target_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
	"github.com/evalrun/evalrun/harness/target"
)

func ExampleNew() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		question, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"answer": "you asked %d bytes"}`, len(question))
	}))
	defer server.Close()

	options, err := strict.Parse("suite.yaml", []byte(`
url: `+server.URL+`
body: {question: "{{ .Input }}"}
output: .answer
`))
	if err != nil {
		panic(err)
	}
	app, err := target.New("http", options, target.Env{Concurrency: 8})
	if err != nil {
		panic(err)
	}
	defer app.(io.Closer).Close()
	out, err := app.Respond(context.Background(), harness.Input{ID: "a", Value: "what?"})
	fmt.Println(out.Value, err)
	// Output: you asked 20 bytes <nil>
}
