package suite

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/dataset"
	"github.com/evalrun/evalrun/harness/retell"
	"github.com/evalrun/evalrun/harness/sgp"
)

// Source opens the dataset. What it gives has the method
//
//	Digest() (string, error)
//
// that names the content of the dataset, unless that can't be known ahead, and
// is an io.Closer where there is something to close.
func (s *Suite) Source(ctx context.Context) (harness.Source, error) {
	switch d := s.Dataset; {
	case d.SGP != nil:
		client, err := s.SGP()
		if err != nil {
			return nil, err
		}
		return platform{&sgp.Source{Client: client, DatasetID: d.SGP.DatasetID, Version: d.SGP.Version}}, nil
	case d.Retell != nil:
		client, err := s.RetellClient()
		if err != nil {
			return nil, err
		}
		return &retell.Source{Client: client, Engine: d.Retell.Engine, Choice: d.Retell.Cases}, nil
	case d.Source != nil:
		return s.goSource(ctx)
	case d.File != "":
		return s.openFile()
	}
	return inline{s.Dataset.Cases}, ctx.Err()
}

// SGP is a client of Scale GP for whoever SGP_API_KEY, SGP_ACCOUNT_ID and
// SGP_CLIENT_BASE_URL say.
func (s *Suite) SGP() (*sgp.Client, error) {
	c := sgp.ConfigFromEnv(func(name string) string {
		value, _ := s.getenv(name)
		return value
	})
	c.HTTPClient, c.Secrets, c.Hosts = s.http, s.Secrets, s.Hosts
	return sgp.New(c)
}

// platform is a dataset of Scale GP with a client of its own.
type platform struct{ *sgp.Source }

// Close closes the source and its client.
func (p platform) Close() error { return errors.Join(p.Source.Close(), p.Client.Close()) }

// inline are the cases of a suite, with a digest.
type inline struct{ harness.Cases }

// Digest is the SHA-256 of the cases as JSON.
func (c inline) Digest() (string, error) {
	data, err := json.Marshal(c.Cases)
	if err != nil {
		return "", fmt.Errorf("digest of the inline cases: %w", err)
	}
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:]), nil
}

// rooted is a dataset file together with the folder that it was opened in.
type rooted struct {
	*dataset.File
	root *os.Root
}

func (s *Suite) openFile() (*rooted, error) {
	root, err := s.OpenRoot()
	if err != nil {
		return nil, fmt.Errorf("open the suite's folder: %w", err)
	}
	d, path := s.Dataset, s.Dataset.File
	if root == nil {
		path = s.folder.join(path)
	}
	file, err := dataset.Open(path, dataset.Options{Format: d.Format, Map: d.Map, Items: d.Items, Root: root})
	if err != nil {
		if root != nil {
			_ = root.Close()
		}
		return nil, err
	}
	return &rooted{file, root}, nil
}

// Close closes the file.
func (r *rooted) Close() error {
	err := r.File.Close()
	if r.root != nil {
		err = errors.Join(err, r.root.Close())
	}
	return err
}
