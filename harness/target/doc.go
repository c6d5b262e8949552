// Package target reaches the apps that a suite can name: over HTTP, as programs,
// behind an OpenAI-compatible API, as the outputs of an earlier run, or as an
// echo for trying things out. [New] builds one from its options in the suite. A
// [Registry] knows them all, and kinds of your own beside them.
//
// An app sees the case's input, ID, history and metadata, never what is
// expected. It makes one attempt: trying again is the engine's, told by the
// harness.Error whether that may help.
//
// # Kinds and options
//
// echo answers with the input. It has no options.
//
// exec runs a program, without a shell, in the suite's folder. By default there
// is one process for each case, which gets the input on standard input (JSON when
// it is an object) and gives the answer on standard output; an exit status other
// than 0 is an error.
//
//	command      the program and its arguments: [python3, bot.py]. It has to be
//	             there when the suite is loaded: in PATH, or with a slash in it
//	             relative to the suite.
//	protocol     text (the default), or jsonl: long-lived processes that read one
//	             line {"id", "input", "history", "metadata", "trial", "seed"} and
//	             answer with one line {"id", "output"}, flushed at once, one
//	             request at a time. A reply with a "trial" has to have the
//	             request's; a second line for a request ends the process
//	processes    with jsonl, how many processes at most; default: the suite's
//	             concurrency. It limits the run's concurrency ([Limited]): nobody
//	             waits for a free process within the app's latency.
//	env          environment variables beside PATH, HOME, TMPDIR and LANG
//	max_output   the longest answer, or line, in bytes; default 10 MiB
//
// http makes one request for each case. A status other than 2xx is an error.
//
//	url          an http or https URL, no template
//	method       default POST
//	headers      request headers
//	allow_insecure  send headers that hold secrets over plain http to another
//	             host than this one
//	query        query parameters; the values are templates
//	body         a map or list is sent as JSON, text as it is; texts in it are
//	             templates. Default: {id, input, history, metadata, trial, seed},
//	             and nothing for GET
//	output       jq expression for the answer in a JSON reply, such as .answer;
//	             default .output when the reply is an object that has it, else
//	             the whole reply
//	reply        text: any text, as it is. json: JSON, whatever the content type
//	             says. auto (the default): JSON when it is an object or says so,
//	             else text; a web page or nothing at all is an error
//	max_reply    the longest reply in bytes; default 10 MiB
//
// openai asks a chat model: POST base_url/chat/completions.
//
//	base_url         default https://api.openai.com/v1
//	model            the model's name; required
//	api_key          the bearer token, as "${env:OPENAI_API_KEY}"
//	allow_insecure   send the key, and headers that hold secrets, over plain http to
//	                 another host than this one
//	headers          further request headers
//	messages         a list of {role, content} with templates; default: the
//	                 history, then the input as the user's. An item that is one
//	                 text, such as "{{ .History }}", stands for several
//	temperature      default: the server's; so are the next ones
//	top_p            from 0 to 1
//	max_tokens       the longest answer
//	seed             the same for each case
//	stop             texts that end the answer
//	extra            further fields of the request, such as tools; templates
//	price            {input_per_million, output_per_million} in US dollars, for
//	                 the report's cost
//
// replay answers with the outputs of an earlier run, for the same cases and
// trials.
//
//	run          the run's ID, the beginning of it, or latest
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
// A reply of http or of exec with protocol jsonl that is a JSON object may say more
// than the answer:
//
//	{"output": …, "usage": {"input_tokens": 12, "output_tokens": 7}, "cost_usd": 0.001,
//	 "chunks": [{"text": "…", "metadata": {…}}], "tool_calls": [{"name": "…", "args": {…}, "result": …}],
//	 "metadata": {…}}
//
// and {"error": "…"} in place of an output is an app that failed. What a program of
// protocol text prints is the answer whatever it says, also when it is such an
// object: it fails by its exit status. An answer that
// is not valid UTF-8 has U+FFFD in place of what is wrong, and its bytes in
// Output.Metadata: invalid_utf8 is true, raw_base64 holds them.
//
// # Secrets
//
// Headers and api_key may hold secrets: their values are cut out of every error,
// are sent to the configured origin only, and redirects to another are not
// followed. A header whose name says that it holds a secret (Authorization,
// Cookie, X-Api-Key, a name with secret or password in it, or one that ends in key,
// token or auth) and a URL's password go over plain http to this host only, unless
// allow_insecure says otherwise.
//
// One call is one request: a connection that drops is an error, and nothing is sent
// again unseen. A header Idempotency-Key is refused, since net/http resends what has
// one; a redirect to the same origin is followed when the request stays what it is.
package target
