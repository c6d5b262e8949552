package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/evalrun/evalrun/harness/internal/jsonx"
	"github.com/evalrun/evalrun/harness/strict"
)

// document yields the rows of a document that was read whole.
type document struct {
	text  *text
	items []row
}

func (d *document) next() (row, error) {
	if len(d.items) == 0 {
		return row{}, io.EOF
	}
	r := d.items[0]
	d.items = d.items[1:]
	return r, nil
}

func (d *document) close() error { return d.text.close() }

// readAll reads a text of at most limit bytes.
func readAll(t *text, path string, limit int64, instead string) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(t, limit+1))
	if err != nil && !errors.Is(err, errRowTooLong) {
		return nil, at(path, 1, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("%s: it has more than %d MB and has to be read whole: %s", path, limit>>20, instead)
	}
	return data, nil
}

// newDocument evaluates a jq expression over a JSON document.
func newDocument(t *text, path, items string) (rows, error) {
	data, err := readAll(t, path, maxDocument, "name the list by a plain path such as .data.rows")
	if err != nil {
		return nil, err
	}
	if len(data) == 0 {
		return &document{text: t}, nil
	}
	v, err := decodeRow(data)
	if err != nil {
		return nil, at(path, 1, err)
	}
	found, err := pick(v, path, items)
	return &document{text: t, items: found}, err
}

// pick evaluates items, whose value is the list of rows.
func pick(v any, path, items string) ([]row, error) {
	e, err := jsonx.Compile(items)
	if err != nil {
		return nil, fmt.Errorf("%s: items: %w", path, err)
	}
	if v, err = e.Value(context.Background(), v); err != nil {
		return nil, fmt.Errorf("%s: items: %w", path, err)
	}
	l, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("%s: items: %s gives %s, not a list", path, items, jsonx.Kind(v))
	}
	found := make([]row, len(l))
	for i := range l {
		found[i] = row{value: l[i]} // its line is not known
	}
	return found, nil
}

// newYAML reads a YAML document: a list, or a map with one list in it.
func newYAML(t *text, path, items string) (rows, error) {
	data, err := readAll(t, path, strict.MaxSize, "JSON Lines have no limit")
	if err != nil {
		return nil, err
	}
	node, err := strict.Parse(path, data)
	if err != nil {
		return nil, err
	}
	d := &document{text: t}
	if !node.Given() {
		return d, nil
	}
	keys, plain := jsonx.Path(items)
	if items != "" && !plain {
		var v any
		if err := node.Decode(&v); err != nil {
			return nil, err
		}
		d.items, err = pick(v, path, items)
		return d, err
	}
	if node, err = listOf(node, path, keys); err != nil {
		return nil, err
	}
	for _, item := range node.Items() {
		r := row{line: item.Line}
		if err := item.Decode(&r.value); err != nil {
			return nil, err
		}
		d.items = append(d.items, r)
	}
	return d, nil
}

// listOf finds the list by its keys, or the only one of a map's.
func listOf(node strict.Node, path string, keys []string) (strict.Node, error) {
	if len(keys) == 0 && node.Pairs() != nil {
		var found []string
		for _, p := range node.Pairs() {
			if p.Value.Items() != nil {
				found = append(found, p.Key.Value)
			}
		}
		key, err := only(found, path)
		if err != nil {
			return node, err
		}
		keys = []string{key}
	}
	for _, key := range keys {
		below := node.Get(key)
		if below.Node == nil {
			return node, node.Errorf("there is no %q here", key)
		}
		node = below
	}
	if node.Items() == nil {
		return node, node.Errorf("want a list of rows")
	}
	return node, nil
}
