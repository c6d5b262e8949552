package suite_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/evalrun/evalrun/harness/suite"
)

// tree is a folder with a suite's folder in it and a file beside that.
func tree(t *testing.T) (inside, outside string) {
	top := t.TempDir()
	inside, outside = filepath.Join(top, "suite"), filepath.Join(top, "outside.jsonl")
	require.NoError(t, os.MkdirAll(filepath.Join(inside, "data"), 0o755))
	row := []byte(`{"input":"hi"}` + "\n")
	require.NoError(t, os.WriteFile(outside, row, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(inside, "data", "in.jsonl"), row, 0o644))
	for link, to := range map[string]string{
		"link.jsonl": "../outside.jsonl", "absolute.jsonl": outside, "up": "..", "good.jsonl": "data/in.jsonl",
		"loop.jsonl": "loop.jsonl", "gone.jsonl": "nowhere.jsonl", "self.jsonl": "../suite/data/in.jsonl",
	} {
		require.NoError(t, os.Symlink(to, filepath.Join(inside, link)))
	}
	return inside, outside
}

func withDataset(dir, path string, o suite.Options) (*suite.Suite, error) {
	text := "name: x\napp: echo\nevaluators: [equals]\ndataset: {file: '" + strings.ReplaceAll(path, "'", "''") + "'}\n"
	return suite.Parse(filepath.Join(dir, "s.yaml"), []byte(text), o)
}

func TestDatasetPathsStayInside(t *testing.T) {
	dir, outside := tree(t)
	leaves := "leaves the suite's folder"
	for path, want := range map[string]string{
		"data/in.jsonl":             "",
		"./data/../data/in.jsonl":   "",
		"good.jsonl":                "",
		"../outside.jsonl":          leaves,
		"data/../../outside.jsonl":  leaves,
		"../suite/data/in.jsonl":    leaves,
		outside:                     leaves,
		"link.jsonl":                leaves,
		"absolute.jsonl":            leaves,
		"self.jsonl":                leaves,
		"up/outside.jsonl":          leaves,
		"up/suite/data/in.jsonl":    leaves,
		"/proc/self/environ":        leaves,
		"/dev/zero":                 leaves,
		"..":                        leaves,
		".":                         "is a folder",
		"data":                      "is a folder",
		"":                          "the path is empty",
		"%2e%2e/outside.jsonl":      "no such file",
		"..\\outside.jsonl":         "no such file",
		"gone.jsonl":                "no such file",
		"loop.jsonl":                "loop",
		"data/in.jsonl/x":           "not a directory",
		strings.Repeat("a/", 10000): "",
	} {
		t.Run(strings.ReplaceAll(path[:min(len(path), 30)], "/", "_"), func(t *testing.T) {
			_, err := withDataset(dir, path, options())
			if want == "" && len(path) < 1000 {
				assert.NoError(t, err)
				return
			}
			require.Error(t, err)
			assert.Contains(t, strings.ReplaceAll(err.Error(), "too many levels of symbolic links", "loop"), want)
			assert.NotContains(t, err.Error(), `"hi"`)
		})
	}
}

func TestAllowPath(t *testing.T) {
	dir, outside := tree(t)
	o := options()
	o.AllowPath = true
	for _, path := range []string{"../outside.jsonl", outside, "link.jsonl", "up/outside.jsonl", "data/in.jsonl"} {
		s, err := withDataset(dir, path, o)
		require.NoError(t, err, path)
		source, err := s.Source(t.Context())
		require.NoError(t, err)
		page, err := source.Page(t.Context(), "")
		require.NoError(t, err)
		assert.Len(t, page.Cases, 1, path)
		require.NoError(t, source.(interface{ Close() error }).Close())
	}
	s, err := withDataset(dir, outside, o)
	require.NoError(t, err)
	f, err := s.Create("../new/report.xml")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	assert.FileExists(t, filepath.Join(filepath.Dir(outside), "new", "report.xml"))
}

func TestSourceOfAFile(t *testing.T) {
	dir, _ := tree(t)
	s, err := withDataset(dir, "good.jsonl", options())
	require.NoError(t, err)
	source, err := s.Source(t.Context())
	require.NoError(t, err)
	page, err := source.Page(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, page.Cases, 1)
	assert.Equal(t, "hi", page.Cases[0].Input)
	assert.Equal(t, "good.jsonl:1", page.Cases[0].Origin)
	digest, err := source.(interface{ Digest() (string, error) }).Digest()
	require.NoError(t, err)
	assert.Contains(t, digest, "sha256:")
	require.NoError(t, source.(interface{ Close() error }).Close())
}

func TestCreateStaysInside(t *testing.T) {
	dir, outside := tree(t)
	s, err := withDataset(dir, "data/in.jsonl", options())
	require.NoError(t, err)
	for _, path := range []string{"out/deep/report.xml", "report.xml", "data/in.jsonl"} {
		f, err := s.Create(path)
		require.NoError(t, err, path)
		_, err = f.WriteString("x")
		require.NoError(t, err)
		require.NoError(t, f.Close())
		assert.FileExists(t, filepath.Join(dir, path))
	}
	for _, path := range []string{"../report.xml", "/tmp/report.xml", "up/report.xml", "link.jsonl", "absolute.jsonl", ""} {
		_, err := s.Create(path)
		assert.Error(t, err, path)
	}
	data, err := os.ReadFile(outside)
	require.NoError(t, err)
	assert.Contains(t, string(data), "hi", "the file outside is as it was")
}

func TestReportPathsStayInside(t *testing.T) {
	dir, _ := tree(t)
	for path, want := range map[string]string{
		"new/folder/r.xml": "", "r.xml": "", "data/in.jsonl": "",
		"../r.xml": "leaves", "up/r.xml": "leaves", "up/new/r.xml": "leaves", "link.jsonl": "leaves", "data": "no regular file",
	} {
		text := "name: x\napp: echo\nevaluators: [equals]\ndataset: {file: data/in.jsonl}\nreports: [{junit: " + path + "}]\n"
		_, err := suite.Parse(filepath.Join(dir, "s.yaml"), []byte(text), options())
		if want == "" {
			assert.NoError(t, err, path)
		} else {
			assert.ErrorContains(t, err, want, path)
		}
	}
}

func TestCreateIsWholeOrNothing(t *testing.T) {
	dir, _ := tree(t)
	s, err := withDataset(dir, "data/in.jsonl", options())
	require.NoError(t, err)
	for _, before := range []bool{false, true} {
		f, err := s.Create("out/r.xml")
		require.NoError(t, err)
		_, err = f.WriteString("half")
		require.NoError(t, err)
		if before {
			data, err := os.ReadFile(filepath.Join(dir, "out/r.xml"))
			require.NoError(t, err)
			assert.Equal(t, "whole", string(data))
		} else {
			assert.NoFileExists(t, filepath.Join(dir, "out/r.xml"))
		}
		require.NoError(t, f.Discard())
		f, err = s.Create("out/r.xml")
		require.NoError(t, err)
		_, err = f.WriteString("whole")
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	left, err := os.ReadDir(filepath.Join(dir, "out"))
	require.NoError(t, err)
	assert.Len(t, left, 1, "nothing else is left behind")
}
