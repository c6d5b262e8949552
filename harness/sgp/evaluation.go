package sgp

import "context"

// RunEvaluation describes the evaluation to be made for a run.
type RunEvaluation struct {
	RunID string
	// Name is the evaluation's; Description may be empty.
	Name, Description string
	// ApplicationSpecID is the app under test's; "" makes an application spec of
	// the name Application.
	ApplicationSpecID string
	Application       string
	// Tags are added to "evalrun_run", which holds the run ID.
	Tags map[string]any
}

// StartEvaluation makes an evaluation for a run, and the application spec when
// none is given. The evaluation names the spec that was used.
func StartEvaluation(ctx context.Context, c *Client, e RunEvaluation) (Evaluation, error) {
	spec := e.ApplicationSpecID
	if spec == "" {
		name := e.Application
		if name == "" {
			name = e.Name
		}
		made, err := c.CreateApplicationSpec(ctx, ApplicationSpecRequest{Name: name, Description: "App under test of " + e.Name})
		if err != nil {
			return Evaluation{}, err
		}
		spec = made.ID
	}
	tags := map[string]any{"evalrun_run": e.RunID}
	for k, v := range e.Tags {
		tags[k] = v
	}
	made, err := c.CreateEvaluation(ctx, EvaluationRequest{
		Name: e.Name, Description: e.Description, ApplicationSpecID: spec, Tags: tags,
	})
	if made.ApplicationSpecID == "" {
		made.ApplicationSpecID = spec
	}
	return made, err
}
