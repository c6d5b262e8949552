// Package target reaches the apps that a suite can name: over HTTP, as programs,
// behind an OpenAI-compatible API, as the outputs of an earlier run, or as an
// echo for trying things out. [New] builds one from its options in the suite,
// [Kinds] describes them all.
//
// An app sees the case's input, ID, history and metadata, never what is
// expected. It makes one attempt: trying again is the engine's, told by the
// harness.Error whether that may help.
//
// # Templates
//
// Texts in `body`, `query` and `messages` are templates of Go's text/template
// over .Input, .ID, .History, .Metadata, .Trial and .Seed. A template that is
// one action, such as "{{ .Input }}" or "{{ .Metadata.tags }}", gives the value
// with its JSON type; in a longer text a value stands as text, and as JSON when
// it is neither text nor a number. The functions beside those of text/template
// are json (the value's JSON) and text. A key that is missing is an error.
//
// # Replies
//
// A reply that is a JSON object may say more than the answer:
//
//	{"output": …, "usage": {"input_tokens": 12, "output_tokens": 7}, "cost_usd": 0.001,
//	 "chunks": [{"text": "…", "metadata": {…}}], "tool_calls": [{"name": "…", "args": {…}, "result": …}],
//	 "metadata": {…}}
//
// and {"error": "…"} in place of an output is an app that failed. An answer that
// is not valid UTF-8 has U+FFFD in place of what is wrong, and its bytes in
// Output.Metadata: invalid_utf8 is true, raw_base64 holds them.
//
// # Secrets
//
// Headers and api_key may hold secrets: their values are cut out of every error,
// are sent to the configured origin only, and redirects to another are not
// followed.
package target
