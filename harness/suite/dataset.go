package suite

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/strict"
)

// Dataset is where a suite's cases come from: one of File, Cases, SGP, Retell and
// Source is set.
type Dataset struct {
	// File is relative to the suite. Format, Map and Items are as in
	// dataset.Options.
	File   string
	Format string
	Map    map[string]string
	Items  string

	// Cases are those that stand in the suite.
	Cases harness.Cases

	// SGP is a dataset of Scale GP.
	SGP *SGPDataset

	// Retell has test cases of Retell.
	Retell *Retell

	// Source is a Go value; see Suite.Use.
	Source harness.Source
}

// SGPDataset names a dataset of Scale GP. Version 0 means the dataset as it is
// now.
type SGPDataset struct {
	DatasetID string
	Version   int
}

// String names the dataset in lists and reports.
func (d Dataset) String() string {
	switch {
	case d.SGP != nil && d.SGP.Version > 0:
		return fmt.Sprintf("sgp:%s@%d", d.SGP.DatasetID, d.SGP.Version)
	case d.SGP != nil:
		return "sgp:" + d.SGP.DatasetID
	case d.Retell != nil:
		return d.Retell.String()
	case d.File != "":
		return d.File
	case d.Source != nil:
		return fmt.Sprintf("a %T", d.Source)
	}
	if len(d.Cases) == 1 {
		return "1 inline case"
	}
	return fmt.Sprintf("%d inline cases", len(d.Cases))
}

// dataset checks the dataset, and opens a file once to see that it can be read.
func (l *loader) dataset() {
	if l.options.GoSource && !l.root.Get("dataset").Given() {
		return
	}
	if key, ok := l.oneOf(l.root, "the suite", "dataset", "retell"); !ok || key == "retell" {
		return
	}
	doc, at := l.doc.Dataset, l.at("dataset")
	kind, ok := l.oneOf(at, "dataset", "file", "cases", "sgp")
	if !ok {
		return
	}
	if kind != "file" {
		for _, p := range at.Pairs() {
			if k := p.Key.Value; k == "map" || k == "format" || k == "items" {
				l.fail(p.Key.Errorf("%s says how to read a file; there is none beside %s", k, kind))
			}
		}
	}
	switch kind {
	case "file":
		l.file(at, doc)
	case "cases":
		l.cases(at, doc.Cases)
	case "sgp":
		if doc.SGP == nil {
			l.fail(at.Get("sgp").Errorf("sgp needs a dataset_id"))
			return
		}
		d := &SGPDataset{DatasetID: doc.SGP.DatasetID}
		if v := doc.SGP.Version; v != nil {
			if d.Version = *v; *v < 1 {
				l.fail(at.Get("sgp").Get("version").Errorf("version is %d; expected 1 or more", *v))
			}
		}
		l.suite.Dataset.SGP = d
	}
}

func (l *loader) file(at strict.Node, doc datasetDoc) {
	if doc.File.Node == nil || doc.File.Kind != yaml.ScalarNode || !doc.File.Given() {
		l.fail(at.Get("file").Errorf("expected the path of a file"))
		return
	}
	l.suite.Dataset = Dataset{File: doc.File.Value, Format: doc.Format, Map: doc.Map, Items: doc.Items}
	if err := l.suite.folder.file(doc.File, doc.File.Value); err != nil {
		l.fail(err)
		return
	}
	fields := []string{"id", "input", "expected", "extra", "history", "metadata", "cluster"}
	for _, p := range at.Get("map").Pairs() {
		if !slices.Contains(fields, p.Key.Value) {
			e := p.Key.Errorf("a case has no field %s%s", strict.Quote(p.Key.Value), strict.Meant(p.Key.Value, fields))
			e.Hint = "map says where the file has each of ours: " + strings.Join(fields, ", ")
			l.fail(e)
			return
		}
	}
	source, err := l.suite.openFile()
	if err != nil {
		l.fail(placed(blamed(at, err), err))
		return
	}
	l.fail(placed(doc.File, source.Close()))
}

// blamed is what an error about a dataset file is about: a field of the map when
// it names one, else the file.
func blamed(at strict.Node, err error) strict.Node {
	for _, p := range at.Get("map").Pairs() {
		if strings.Contains(err.Error(), "map: "+p.Key.Value+":") {
			return p.Value
		}
	}
	return at.Get("file")
}

// cases reads the cases that stand in the suite.
func (l *loader) cases(at strict.Node, nodes []strict.Node) {
	if len(nodes) == 0 {
		l.fail(at.Get("cases").Errorf("a dataset needs at least one case"))
		return
	}
	var docs []caseDoc
	l.fail(at.Get("cases").Decode(&docs))
	first := make(map[string]strict.Node, len(nodes))
	cases := make(harness.Cases, 0, len(nodes))
	for i, n := range nodes {
		if !n.Given() {
			l.fail(n.Errorf("expected a case, found nothing"))
			continue
		}
		doc := docs[i]
		if doc.Input.Node == nil {
			continue // missing, which was said already
		}
		c := harness.Case{
			ID: doc.ID, Expected: doc.Expected, Extra: doc.Extra, History: doc.History,
			Metadata: doc.Metadata, Cluster: doc.Cluster, Seq: int64(i), Origin: fmt.Sprintf("%s:%d", n.File, n.Line),
		}
		if c.ID == "" {
			c.ID = strconv.Itoa(i + 1)
		}
		where := n
		if id := n.Get("id"); id.Node != nil {
			where = id
		}
		if was, twice := first[c.ID]; twice {
			l.fail(where.Errorf("duplicate case ID %s; the first one is at %d:%d", strict.Quote(c.ID), was.Line, was.Column))
		}
		first[c.ID] = where
		var err error
		c.Input, err = input(doc.Input)
		l.fail(err)
		cases = append(cases, c)
	}
	l.suite.Dataset.Cases = cases
}

// input is text, a number as it is written, or a map.
func input(n strict.Node) (any, error) {
	switch n.Kind {
	case yaml.ScalarNode:
		return n.Value, nil
	case yaml.MappingNode:
		m := map[string]any{}
		err := n.Decode(&m)
		return m, err
	}
	return nil, n.Errorf("expected an input that is text or a map, found a list")
}
