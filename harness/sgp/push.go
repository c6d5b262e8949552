package sgp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/evalrun/evalrun/harness"
	"github.com/evalrun/evalrun/harness/internal/wire"
)

// PushConfig says where the cases go.
type PushConfig struct {
	// DatasetID is an existing dataset; "" makes one, of the Name.
	DatasetID string
	Name      string
	// SchemaType is Generation or Flexible. Default: the existing dataset's, or
	// for a new one Flexible when a case of the first page has a map for input or
	// expected, else Generation.
	SchemaType string
	// ChunkItems and ChunkBytes limit one request; defaults 100 and 1 MiB.
	ChunkItems, ChunkBytes int
	// Draft leaves the cases unpublished.
	Draft bool
	// Progress is told, after each request, how many cases are there.
	Progress func(cases int64)
}

// Pushed is what a push came to. After an error it says how far it got.
type Pushed struct {
	DatasetID string
	// Version is the number of the version that was published; 0 when none was.
	Version int
	// Cases is how many were created for certain.
	Cases int64
}

// Push uploads the cases of a source in their order and publishes a version of
// the dataset. Cases that have no IDs of the platform's get one each; their own
// stays with them (see FromTestCase).
//
// A request whose fate is not known ends the push and is not sent again: a
// dataset that Push made is best left alone then, and a new one made.
func Push(ctx context.Context, c *Client, source harness.Source, cfg PushConfig) (Pushed, error) {
	p := pusher{client: c, cfg: cfg, out: Pushed{DatasetID: cfg.DatasetID}}
	if p.cfg.ChunkItems <= 0 {
		p.cfg.ChunkItems = 100
	}
	if p.cfg.ChunkBytes <= 0 {
		p.cfg.ChunkBytes = 1 << 20
	}
	if cfg.DatasetID == "" && cfg.Name == "" {
		return p.out, errors.New("sgp: push: wants a dataset ID, or the name of a new dataset")
	}
	for cursor := ""; ; {
		page, err := source.Page(ctx, cursor)
		if err != nil {
			return p.out, p.failed(err)
		}
		if err := p.add(ctx, page.Cases); err != nil {
			return p.out, p.failed(err)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if err := p.flush(ctx); err != nil {
		return p.out, p.failed(err)
	}
	if p.out.Cases == 0 {
		return p.out, errors.New("sgp: push: there are no cases")
	}
	if cfg.Draft {
		return p.out, nil
	}
	p.doubt = "whether it was published is not known"
	if _, err := c.Publish(ctx, p.out.DatasetID); err != nil {
		return p.out, p.failed(err)
	}
	p.doubt = "it was published, but the version is not known"
	version, err := c.LatestVersion(ctx, p.out.DatasetID)
	if err != nil {
		return p.out, p.failed(err)
	}
	if p.out.Version = version; version == 0 {
		return p.out, p.failed(errors.New("it was published, but no published version is listed"))
	}
	return p.out, nil
}

// pusher collects cases into requests.
type pusher struct {
	client *Client
	cfg    PushConfig
	out    Pushed
	items  []json.RawMessage
	bytes  int
	doubt  string // what is not known when the step at hand fails ambiguously
}

// failed says how far the push got, and which step is in doubt.
func (p *pusher) failed(err error) error {
	how := ""
	if p.out.Cases > 0 {
		how = fmt.Sprintf("%d cases were uploaded to dataset %s: ", p.out.Cases, p.out.DatasetID)
	}
	if p.doubt != "" && Ambiguous(err) {
		how += p.doubt + ": "
	}
	return fmt.Errorf("sgp: push: %s%w", how, err)
}

// add takes a page of cases. The first one opens the dataset.
func (p *pusher) add(ctx context.Context, cases []harness.Case) error {
	if len(cases) == 0 {
		return nil
	}
	if err := p.open(ctx, cases); err != nil {
		return err
	}
	for _, c := range cases {
		data, err := wire.Marshal(toTestCase(c, p.cfg.SchemaType))
		if err != nil {
			return fmt.Errorf("case %q: %w", c.ID, err)
		}
		if len(p.items) == p.cfg.ChunkItems || len(p.items) > 0 && p.bytes+len(data) > p.cfg.ChunkBytes {
			if err := p.flush(ctx); err != nil {
				return err
			}
		}
		p.items = append(p.items, data)
		p.bytes += len(data) + 1
	}
	return nil
}

// open finds the dataset or makes it, once.
func (p *pusher) open(ctx context.Context, first []harness.Case) error {
	switch {
	case p.cfg.SchemaType != "" && p.out.DatasetID != "":
		return nil
	case p.out.DatasetID != "":
		d, err := p.client.GetDataset(ctx, p.out.DatasetID)
		p.cfg.SchemaType = d.SchemaType
		return err
	}
	if p.cfg.SchemaType == "" {
		p.cfg.SchemaType = Generation
		for _, c := range first {
			d := TestCaseData{Input: plain(c.Input), ExpectedOutput: plain(c.Expected)}
			if d.schema() == Flexible {
				p.cfg.SchemaType = Flexible
			}
		}
	}
	p.doubt = fmt.Sprintf("whether dataset %q was created is not known", p.cfg.Name)
	d, err := p.client.CreateDataset(ctx, CreateEvaluationDatasetRequest{Name: p.cfg.Name, SchemaType: p.cfg.SchemaType})
	p.out.DatasetID = d.ID
	if err == nil {
		p.doubt = ""
	}
	return err
}

func (p *pusher) flush(ctx context.Context) error {
	if len(p.items) == 0 {
		return nil
	}
	p.doubt = fmt.Sprintf("whether %d more cases were uploaded to dataset %s is not known", len(p.items), p.out.DatasetID)
	created, err := batch[TestCase](ctx, p.client, "create test cases in "+p.out.DatasetID, p.items,
		"evaluation-datasets", p.out.DatasetID, "test-cases", "batch")
	if err != nil {
		return err
	}
	p.doubt = ""
	p.out.Cases += int64(len(created))
	p.items, p.bytes = nil, 0
	if p.cfg.Progress != nil {
		p.cfg.Progress(p.out.Cases)
	}
	return nil
}
