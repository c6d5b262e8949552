// Package dataset reads files of test cases, page by page: JSON Lines, a list in
// a JSON document, CSV or TSV, and YAML, each of them plain or compressed with
// gzip.
//
// [Open] gives a harness.Source. JSON Lines, JSON lists and CSV stream: memory
// depends on the page size and the longest row (at most 64 MiB), not on the file.
// YAML, and JSON whose list has to be found by a jq expression, are read whole.
//
// # Fields
//
// Without a mapping a row's fields are found by these names, exactly as written
// here; of several the first wins:
//
//	id        id
//	input     input, question, prompt
//	expected  expected, expected_output, target, answer, ideal, output
//	extra     extra
//	history   history
//	metadata  metadata
//	cluster   cluster
//
// A field that is neither in this list nor mapped is not used at all. In
// particular it does not become metadata, which the app can see.
//
// [Options].Map names the fields of other people's files. A value is a field's or
// column's name, or a jq expression when it starts with one of . ( [ { " $ or
// with "if ":
//
//	map: {id: task_id, input: prompt}                        # names
//	map: {expected: '.answer | split("#### ")[1]'}           # computed
//	map: {input: .turns[0], metadata: '{topic: .category}'}
//
// A name must be there in every row ("a.b" also means b inside of a). A jq path
// that finds nothing gives null, which means not given, except for the input and
// the id, which every row must have once they are mapped.
//
// The input is text or an object; metadata is an object (in CSV: its JSON);
// cluster and id are text or numbers. The columns of a .csv file are separated by
// semicolons when its header has those and no comma. A row without an id has its
// number: "1" is the first. Everything in CSV is text, "" for an empty cell.
// Numbers are float64; a whole number in JSON that a float64 would change is a
// json.Number.
//
// # What is refused
//
// An error names the file and the line: a broken row, a row that is not valid
// UTF-8, a CSV row with more or fewer cells than the header, an input that is
// missing. An empty file, or a header alone, is a dataset without cases. A UTF-8
// byte order mark is skipped, and a file that starts with one of UTF-16 is read
// as that. Half of a surrogate pair in a JSON escape becomes U+FFFD.
package dataset
