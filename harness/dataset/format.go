package dataset

import (
	"fmt"
	"path/filepath"
	"strings"
)

// format is how rows stand in a file.
type format string

const (
	formatJSONL format = "jsonl"
	formatJSON  format = "json"
	formatCSV   format = "csv"
	formatTSV   format = "tsv"
	formatYAML  format = "yaml"
)

// formatOf is the named format, else the one of the path's suffix.
func formatOf(path, named string) (format, error) {
	suffix := "." + named
	if named == "" {
		name := strings.ToLower(filepath.Base(path))
		suffix = filepath.Ext(strings.TrimSuffix(name, ".gz"))
	}
	switch strings.ToLower(suffix) {
	case ".jsonl", ".ndjson":
		return formatJSONL, nil
	case ".json":
		return formatJSON, nil
	case ".csv":
		return formatCSV, nil
	case ".tsv":
		return formatTSV, nil
	case ".yaml", ".yml":
		return formatYAML, nil
	}
	const known = "jsonl, json, csv, tsv or yaml"
	if named != "" {
		return "", fmt.Errorf("open dataset %s: unknown format %q: want %s", path, named, known)
	}
	return "", fmt.Errorf("open dataset %s: the suffix %q says nothing of its format: name it, %s", path, suffix, known)
}
